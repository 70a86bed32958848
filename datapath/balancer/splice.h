/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * splice.h: a session that a SYN cookie opened: the client began with numbers of ours,
 * and goes on with a backend that has its own.
 *
 *   client ── ACK, SACK edges, TSecr ──▶  - splice  ──▶ server
 *   client ◀── SEQ, TSval ──▶  + splice  ◀── server
 *
 * Windows change as well: either end scales them by what it was told, and was told it
 * by us. What is counted and judged of such a session is in the client's numbers.
 */
#ifndef FULLNAT_BALANCER_SPLICE_H
#define FULLNAT_BALANCER_SPLICE_H

#include "../lib/shift.h"
#include "maps.h"

#define WINDOW_OFFSET (TCP_OFFSET + 14)
#define WINDOW_FIELD_MAX 0xffffu

static __always_inline __u32 scaled_window(__u32 window, int bits)
{
	__u32 scaled = bits < 0 ? window >> -bits : window << bits;

	return scaled < WINDOW_FIELD_MAX ? scaled : WINDOW_FIELD_MAX;
}

static __always_inline int scale_window(struct __sk_buff *ctx, struct edit *e, int bits)
{
	__be16 old, new;

	if (!bits)
		return 0;
	if (bpf_skb_load_bytes(ctx, WINDOW_OFFSET, &old, sizeof(old)))
		return -1;
	new = bpf_htons(scaled_window(bpf_ntohs(old), bits));
	e->plain += minus16(old) + new;
	return bpf_skb_store_bytes(ctx, WINDOW_OFFSET, &new, sizeof(new), 0);
}

static __always_inline int splice_client(struct __sk_buff *ctx, struct edit *e,
					 const struct splice *splice,
					 const struct option_places *at)
{
	if (splice->time && at->timestamps &&
	    add_at(ctx, e, at->timestamps + sizeof(__be32), -splice->time))
		return -1;
	if (add_at(ctx, e, ACKNOWLEDGEMENT_OFFSET, -splice->sequence))
		return -1;
	for (__u32 i = 0; i < SACK_EDGES_MAX && i < at->sack_edges; i++)
		if (add_at(ctx, e, at->sack + i * sizeof(__be32), -splice->sequence))
			return -1;
	return 0;
}

static __always_inline int splice_server(struct __sk_buff *ctx, struct edit *e,
					 const struct splice *splice,
					 const struct option_places *at)
{
	if (splice->time && at->timestamps && add_at(ctx, e, at->timestamps, splice->time))
		return -1;
	return add_at(ctx, e, SEQUENCE_OFFSET, splice->sequence);
}

/* Moves the numbers of one packet. Not static: see find_options(). */
__noinline int splice_packet(struct __sk_buff *ctx, __u32 tcp_header_bytes, __u32 slot,
			     __u32 from_back, struct edit *e)
{
	struct splice *splice = get_splice(slot);
	struct option_places at = {};

	if (!splice || !e)
		return -1;
	find_options(ctx, tcp_header_bytes, &at);
	if (scale_window(ctx, e, from_back ? splice->back_scale : splice->front_scale))
		return -1;
	return from_back ? splice_server(ctx, e, splice, &at) : splice_client(ctx, e, splice, &at);
}

static __always_inline int apply_splice(struct packet *p, struct edit *e,
					const struct session_entry *entry)
{
	__u32 from_back = entry->flags & ENTRY_BACK;

	if (!(entry->flags & ENTRY_SPLICED))
		return 0;
	/* without ACK neither ACK nor TSecr says anything, nor does the window of a SYN or RST */
	if (!from_back && (p->flags & (SYN | ACK)) != ACK)
		return 0;
	return splice_packet(p->ctx, p->tcp_header_bytes, entry->slot, from_back, e);
}

/* The server's sequence number as the client knows it: so its session counts it. */
static __always_inline void count_spliced(struct packet *p, const struct session_entry *entry)
{
	struct splice *splice;

	if ((entry->flags & (ENTRY_SPLICED | ENTRY_BACK)) != (ENTRY_SPLICED | ENTRY_BACK))
		return;
	splice = get_splice(entry->slot);
	if (splice)
		p->sequence += splice->sequence;
}

#endif
