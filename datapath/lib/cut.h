/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * cut.h: cutting a frame to its headers, after which its checksum has to be made
 * anew: the one place where we do not change a checksum by difference.
 */
#ifndef FULLNAT_CUT_H
#define FULLNAT_CUT_H

#include "edit.h"
#include "packet.h"

/* Words of the TCP pseudo header (RFC 9293 section 3.1). */
static __always_inline __u16 pseudo_sum(__be32 source, __be32 destination, __u16 tcp_bytes)
{
	return fold((__u64)source + destination + bpf_htons(IPPROTO_TCP) + bpf_htons(tcp_bytes));
}

static __always_inline __u16 words_sum(const void *words, __u32 bytes)
{
	return fold((__u32)bpf_csum_diff(0, 0, (__be32 *)words, bytes, 0));
}

/*
 * Cuts the frame to `bytes` (its headers, or some of them) and says whether its
 * checksum was partial: bpf_skb_change_tail() refuses to cut into a partial
 * checksum's field (__bpf_skb_min_len() in net/core/filter.c), and only then, which
 * is the one way for a program to see CHECKSUM_PARTIAL. Returns 0 or 1, or -1.
 */
static __always_inline int cut_frame(struct __sk_buff *ctx, __u32 bytes)
{
	int partial = bpf_skb_change_tail(ctx, TCP_CHECK_OFFSET, 0) != 0;

	return bpf_skb_change_tail(ctx, bytes, 0) ? -1 : partial;
}

#endif
