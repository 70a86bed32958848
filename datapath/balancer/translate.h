/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* translate.h: a packet of a known session: both addresses, both ports, next hop. */
#ifndef FULLNAT_BALANCER_TRANSLATE_H
#define FULLNAT_BALANCER_TRANSLATE_H

#include "../lib/edit.h"
#include "../lib/states.h"
#include "../lib/toa.h"
#include "bare_ack.h"
#include "maps.h"
#include "next_hops.h"
#include "splice.h"

static __always_inline void count_traffic(const struct session_entry *entry, __u32 bytes)
{
	struct traffic *of_listener = listener_counters(entry->listener);
	struct traffic *of_backend = backend_counters(entry->backend);

	if (!of_listener || !of_backend)
		return;
	if (entry->flags & ENTRY_BACK) {
		of_listener->packets_out += 1;
		of_listener->bytes_out += bytes;
		of_backend->packets_out += 1;
		of_backend->bytes_out += bytes;
	} else {
		of_listener->packets_in += 1;
		of_listener->bytes_in += bytes;
		of_backend->packets_in += 1;
		of_backend->bytes_in += bytes;
	}
}

/* Takes the client's own TOA out; -1 when the packet cannot be written. */
static __noinline int blank_forged_toa(struct packet *p, struct edit *e)
{
	struct toa forged;
	int found = take_toa(p, e, &forged);

	if (found > 0)
		count_note(NOTE_TOA_FORGED_CLIENT);
	return found < 0 ? -1 : 0;
}

/* True when this segment of the handshake has to carry TOA. */
static __always_inline int carries_toa(const struct packet *p, const struct session_entry *entry)
{
	if (p->flags & SYN)
		return !(entry->flags & ENTRY_TOA_OFF);
	return !(p->flags & (FIN | RST)) && (entry->flags & (ENTRY_TOA_HANDSHAKE | ENTRY_TOA_DUE));
}

/*
 * A segment without room for TOA. A SYN leaves it to what completes the handshake;
 * that, if it has no room either, gets a bare ACK of ours sent ahead of it. Returns
 * 1 when the packet at hand has become that ACK, 0 when it goes on without TOA, -1
 * when it cannot go on.
 */
static __noinline int handle_no_room(struct packet *p, struct session_entry *entry,
				     struct traffic *counters)
{
	int result;

	counters->toa_not_inserted += 1;
	if (p->flags & SYN) {
		entry->flags |= ENTRY_TOA_DUE;
		return 0;
	}
	if (entry->flags & ENTRY_TOA_SENT)
		return 0;
	entry->flags |= ENTRY_TOA_SENT;
	result = become_bare_ack(p);
	if (result == 0) {
		counters->toa_announced += 1;
		return 1;
	}
	counters->toa_not_delivered += 1;
	count_note(NOTE_TOA_NOT_DELIVERED);
	return result < 0 ? -1 : 0;
}

/*
 * TOA of a segment of the client's handshake: forged ones out, the true one in.
 * Returns 1 when the packet at hand is now an ACK of our own, and -1 on failure.
 */
static __always_inline int handle_toa(struct packet *p, struct session_entry *entry, struct edit *e,
				      const struct route *r)
{
	struct traffic *counters = listener_counters(entry->listener);
	int carries = counters && carries_toa(p, entry), is_ours = 0;

	if (p->flags & SYN)
		entry->flags &= ~ENTRY_TOA_SENT; /* a live session's tuple may be used again */
	if (carries && !has_room_for_toa(p, r->mtu))
		carries = is_ours = handle_no_room(p, entry, counters);
	if (carries < 0 || blank_forged_toa(p, e))
		return -1;
	if (!carries)
		return 0;
	if (insert_toa(p, e, p->flow.source_addr, p->flow.source_port))
		return -1;
	if (!(p->flags & SYN))
		entry->flags |= ENTRY_TOA_SENT;
	counters->toa_inserted += 1;
	return is_ours;
}

/* Sends the packet on as `entry` says. */
static __always_inline enum verdict translate(struct packet *p, struct session_entry *entry)
{
	int from_back = entry->flags & ENTRY_BACK;
	__u32 bytes = p->ip_bytes;
	struct edit e = {};
	struct route r;
	enum verdict verdict;
	int is_ours = 0;

	verdict = find_next_hop(p, entry, &r);
	if (verdict == VERDICT_DROP_TOO_BIG) {
		p->next_hop_mtu = r.mtu;
		return VERDICT_ANSWER_TOO_BIG;
	}
	if (verdict != VERDICT_PASS)
		return verdict;
	if (!from_back && is_handshake(p, entry))
		is_ours = handle_toa(p, entry, &e, &r);
	if (is_ours < 0 || apply_shift(p, &e, entry) || apply_splice(p, &e, entry) ||
	    write_tuple(p, entry, &e, 1))
		return VERDICT_DROP_INTERNAL;
	if (is_ours)
		uncount_packet(entry, bytes); /* it comes by again */
	else
		count_traffic(entry, bytes);
	p->action = send_to(p, &r);
	return from_back ? VERDICT_TO_CLIENT : VERDICT_TO_BACKEND;
}

#endif
