/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * shift.h: a session whose numbers are moved forward, so that the server accepts a
 * new connection on a tuple that it still holds in TIME_WAIT.
 *
 * A server in TIME_WAIT takes a SYN only when time goes forward (RFC 6191; Linux
 * tcp_timewait_state_process()): its timestamp is later than the last one seen, or
 * its sequence number is beyond the last one used. Another client's clock and ISN
 * know nothing of that. What is added to the client's numbers on the way to the
 * server is taken off again from what the server says about them:
 *
 *     client ── SEQ, TSval ──▶  + shift  ──▶ server
 *     client ◀── ACK, SACK edges, TSecr ──  - shift  ◀── server
 */
#ifndef FULLNAT_SHIFT_H
#define FULLNAT_SHIFT_H

#include "edit.h"
#include "options.h"
#include "session.h"

#define SEQUENCE_OFFSET (TCP_OFFSET + 4)
#define ACKNOWLEDGEMENT_OFFSET (TCP_OFFSET + 8)
#define SACK_EDGES_MAX 8 /* four blocks fill the option space (RFC 2018 section 3) */

/* A new ISN is this far beyond the old connection's last number at most: not to be guessed. */
#define SEQUENCE_LEAP_MASK 0xffffff

/* True when `a` comes after `b`, modulo 2^32 (RFC 9293 section 3.4). */
static __always_inline int is_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

/* Adds to a number in the TCP header, wherever it lies. */
static __always_inline int add_at(struct __sk_buff *ctx, struct edit *e, __u32 offset, __u32 by)
{
	__be32 old, new;
	__u64 difference;

	if (bpf_skb_load_bytes(ctx, offset, &old, sizeof(old)))
		return -1;
	new = bpf_htonl(bpf_ntohl(old) + by);
	if (bpf_skb_store_bytes(ctx, offset, &new, sizeof(new), 0))
		return -1;
	difference = minus(old) + new;
	/* At an odd offset each byte sits in the other half of its 16-bit word. */
	e->plain += offset & 1 ? __builtin_bswap16(fold(difference)) : difference;
	return 0;
}

static __always_inline int shift_client(struct __sk_buff *ctx, struct edit *e,
					const struct shift *shift, const struct option_places *at)
{
	if (shift->sequence && add_at(ctx, e, SEQUENCE_OFFSET, shift->sequence))
		return -1;
	if (shift->time && at->timestamps && add_at(ctx, e, at->timestamps, shift->time))
		return -1;
	return 0;
}

static __always_inline int shift_server(struct __sk_buff *ctx, struct edit *e,
					const struct shift *shift, const struct option_places *at)
{
	if (shift->time && at->timestamps &&
	    add_at(ctx, e, at->timestamps + sizeof(__be32), -shift->time))
		return -1;
	if (!shift->sequence)
		return 0;
	if (add_at(ctx, e, ACKNOWLEDGEMENT_OFFSET, -shift->sequence))
		return -1;
	for (__u32 i = 0; i < SACK_EDGES_MAX && i < at->sack_edges; i++)
		if (add_at(ctx, e, at->sack + i * sizeof(__be32), -shift->sequence))
			return -1;
	return 0;
}

/*
 * Moves the numbers of one packet of a shifted session; -1 when it cannot be written.
 * Not static: see find_options().
 */
__noinline int shift_packet(struct __sk_buff *ctx, __u32 tcp_header_bytes, __u32 slot,
			    __u32 from_back, struct edit *e)
{
	struct numbers *of_session = bpf_map_lookup_elem(&numbers, &slot);
	struct option_places at = {};

	if (!of_session || !e)
		return -1;
	find_options(ctx, tcp_header_bytes, &at);
	return from_back ? shift_server(ctx, e, &of_session->shift, &at)
			 : shift_client(ctx, e, &of_session->shift, &at);
}

static __always_inline int apply_shift(struct packet *p, struct edit *e,
				       const struct session_entry *entry)
{
	__u32 from_back = entry->flags & ENTRY_BACK;

	if (!(entry->flags & ENTRY_SHIFTED))
		return 0;
	/* without ACK neither ACK nor TSecr says anything (RFC 7323 section 3.2) */
	if (from_back && !(p->flags & ACK))
		return 0;
	return shift_packet(p->ctx, p->tcp_header_bytes, entry->slot, from_back, e);
}

/* What the server sees of a sequence number of the client's. */
static __always_inline __u32 shifted_sequence(__u32 sequence, __u32 slot)
{
	struct numbers *of_session = bpf_map_lookup_elem(&numbers, &slot);

	return of_session ? sequence + of_session->shift.sequence : sequence;
}

/* What the client knows of a sequence number of its own that left us. */
static __always_inline __u32 unshifted_sequence(__u32 sequence, __u32 slot)
{
	struct numbers *of_session = bpf_map_lookup_elem(&numbers, &slot);

	return of_session ? sequence - of_session->shift.sequence : sequence;
}

/* Keeps the later one of two numbers, modulo 2^32; the first one comes unasked. */
static __always_inline void advance_to(__u32 *number, __u32 next, int is_first)
{
	if (is_first || is_after(next, *number))
		*number = next;
}

/*
 * Notes how far the client's numbers have come, as the server sees them: it keeps
 * the last of them for its TIME_WAIT. `sequence` is the one after the packet. Not
 * static: see find_options().
 */
__noinline int note_numbers(struct __sk_buff *ctx, __u32 tcp_header_bytes, __u32 sequence,
			    __u32 index)
{
	struct numbers *of_session = bpf_map_lookup_elem(&numbers, &index);
	struct session_slot *slot = get_slot(index);
	__u32 time;
	int timed;

	if (!of_session || !slot)
		return 0;
	timed = read_timestamp(ctx, tcp_header_bytes, &time) == 0;
	if (slot->flags & SLOT_SHIFTED) {
		sequence += of_session->shift.sequence;
		time += of_session->shift.time;
	}
	advance_to(&of_session->last.sequence, sequence, !(slot->flags & SLOT_ENDED));
	if (timed)
		advance_to(&of_session->last.time, time, !(slot->flags & SLOT_ENDED_TIMED));
	slot->flags |= SLOT_ENDED | (timed ? SLOT_ENDED_TIMED : 0);
	return 0;
}

/* For packets of the client's on a session that is closing. */
static __always_inline void note_ending(struct packet *p, __u32 slot)
{
	__u32 end = p->sequence + payload_bytes(p) + !!(p->flags & FIN);

	note_numbers(p->ctx, p->tcp_header_bytes, end, slot);
}

/*
 * The shift that takes the SYN at hand beyond the connection that ended; all zero
 * when it is beyond already. `leap` cannot be foretold.
 */
static __always_inline struct shift shift_beyond(struct packet *p, const struct shift *last,
						 int timed, __u32 leap)
{
	struct shift shift = {};
	__u32 time;

	if (timed && read_timestamp(p->ctx, p->tcp_header_bytes, &time) == 0) {
		if (!is_after(time, last->time))
			shift.time = last->time + 1 - time;
	} else if (!is_after(p->sequence, last->sequence)) {
		shift.sequence = last->sequence + 1 + (leap & SEQUENCE_LEAP_MASK) - p->sequence;
	}
	return shift;
}

#endif
