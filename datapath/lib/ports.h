/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * ports.h: the order in which the ports of a range are handed out.
 *
 * The order is a secret permutation of the whole range, walked in a circle: it
 * cannot be predicted (RFC 6056) and a port comes round again only after every
 * other one has had its turn. Whether a port is free is not asked but tried: the
 * session table refuses a second owner of a tuple.
 */
#ifndef FULLNAT_PORTS_H
#define FULLNAT_PORTS_H

#include "packet.h"

#define FEISTEL_ROUNDS 4

/* A few multiplications that spread every input bit (MurmurHash3's finalizer). */
static __always_inline __u32 mix(__u32 word)
{
	word ^= word >> 16;
	word *= 0x85ebca6b;
	word ^= word >> 13;
	word *= 0xc2b2ae35;
	word ^= word >> 16;
	return word;
}

/* How many bits a number needs: 0 for 0. */
static __always_inline __u32 bit_length(__u32 number)
{
	__u32 bits = 0;

#pragma unroll
	for (int step = 16; step; step /= 2) {
		if (number >> step) {
			bits += step;
			number >>= step;
		}
	}
	return bits + number;
}

/* The smallest even number of bits whose power of two holds `count` ports. */
static __always_inline __u32 permutation_bits(__u32 count)
{
	if (count <= 1 << 4)
		return 4;
	if (count <= 1 << 6)
		return 6;
	if (count <= 1 << 8)
		return 8;
	if (count <= 1 << 10)
		return 10;
	if (count <= 1 << 12)
		return 12;
	return count <= 1 << 14 ? 14 : 16;
}

/*
 * A keyed permutation of 0..2^bits-1 (bits even): a Feistel network, so that
 * every index has exactly one image whatever the round function does.
 */
static __always_inline __u32 permute(__u32 index, __u32 bits, const __u64 *secret, __u32 tweak)
{
	__u32 half = bits / 2;
	__u32 mask = (1u << half) - 1;
	__u32 left = (index >> half) & mask, right = index & mask;

#pragma unroll
	for (int round = 0; round < FEISTEL_ROUNDS; round++) {
		__u32 key = (__u32)(secret[round & 1] >> ((round & 2) * 16));
		__u32 next = left ^ (mix(mix(right ^ key) + tweak + round) & mask);

		left = right;
		right = next;
	}
	return left << half | right;
}

#endif
