/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * edit.h: changes to a TCP packet, with the checksums they cost.
 *
 * A frame may carry a complete checksum, a partial one that the NIC will finish
 * (CHECKSUM_PARTIAL: only the pseudo header is summed), or one the NIC verified
 * as a sum over all bytes (CHECKSUM_COMPLETE). What belongs to the pseudo header
 * counts for all of them, the rest not for a partial one; so the two kinds of
 * difference are gathered apart and applied once.
 */
#ifndef FULLNAT_EDIT_H
#define FULLNAT_EDIT_H

#include "packet.h"
#include "summed.h"

#define TCP_CHECK_OFFSET (TCP_OFFSET + 16)

/* Sums of (new - old) in ones' complement, words as they lie in memory. */
struct edit {
	__u64 pseudo; /* addresses and TCP length */
	__u64 plain;  /* everything from the TCP header on */
};

/* -x in ones' complement; right for 16- and 32-bit words, since 2^16 = 1 mod 0xffff. */
static __always_inline __u64 minus(__u32 word)
{
	return (__u32)~word;
}

static __always_inline __u64 minus16(__u16 word)
{
	return (__u16)~word;
}

/* By the kernel's helpers: right for every kind of checksum, and they cost as much as a route. */
static __always_inline int apply_by_helpers(struct __sk_buff *ctx, const struct edit *e)
{
	if (e->pseudo &&
	    bpf_l4_csum_replace(ctx, TCP_CHECK_OFFSET, 0, fold(e->pseudo), BPF_F_PSEUDO_HDR))
		return -1;
	if (e->plain && bpf_l4_csum_replace(ctx, TCP_CHECK_OFFSET, 0, fold(e->plain), 0))
		return -1;
	return 0;
}

/* Brings the TCP checksum in step with everything in `e`; packet pointers are invalid afterwards. */
static __always_inline int apply_checksums(struct __sk_buff *ctx, const struct edit *e)
{
	enum summed summed = how_summed(ctx);
	void *data, *data_end;
	__sum16 *check;

	if (summed != SUMMED_PARTLY && summed != SUMMED_WHOLE)
		return apply_by_helpers(ctx, e);
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	check = data + TCP_CHECK_OFFSET;
	if ((void *)(check + 1) > data_end)
		return -1;
	*check = summed == SUMMED_PARTLY ? fold(*check + e->pseudo)
					 : ~fold(minus16(*check) + e->pseudo + e->plain);
	return 0;
}

static __always_inline void edit_addresses(struct edit *e, const struct packet *p,
					   const struct session_entry *to)
{
	e->pseudo += minus(p->flow.source_addr) + to->source_addr +
		     minus(p->flow.destination_addr) + to->destination_addr;
	e->plain += minus16(p->flow.source_port) + to->source_port +
		    minus16(p->flow.destination_port) + to->destination_port;
}

/* Both addresses and the TTL of an IPv4 header whose addresses are those of `from`. */
static __always_inline void write_addresses(struct iphdr *ip, const struct flow4 *from,
					    __be32 source, __be32 destination, __u32 ttl_less)
{
	__be16 old_word = *(__be16 *)&ip->ttl, new_word; /* TTL and protocol */

	ip->ttl -= ttl_less;
	new_word = *(__be16 *)&ip->ttl;
	ip->check =
		~fold(minus16(ip->check) + minus16(old_word) + new_word + minus(from->source_addr) +
		      source + minus(from->destination_addr) + destination);
	ip->saddr = source;
	ip->daddr = destination;
}

/*
 * Writes the tuple of `to` and the checksums of everything in `e`; `ttl_less`
 * is taken off the TTL. Packet pointers are read again, since every helper call
 * before this one has made older ones invalid.
 */
static __always_inline int write_tuple(struct packet *p, const struct session_entry *to,
				       struct edit *e, __u32 ttl_less)
{
	void *data, *data_end;
	struct iphdr *ip;
	struct tcphdr *tcp;

	edit_addresses(e, p, to);
	if (apply_checksums(p->ctx, e))
		return -1;
	data = (void *)(long)p->ctx->data;
	data_end = (void *)(long)p->ctx->data_end;
	if (data + OPTIONS_OFFSET > data_end)
		return -1;
	ip = data + IP_OFFSET;
	tcp = data + TCP_OFFSET;

	write_addresses(ip, &p->flow, to->source_addr, to->destination_addr, ttl_less);
	tcp->source = to->source_port;
	tcp->dest = to->destination_port;
	return 0;
}

#endif
