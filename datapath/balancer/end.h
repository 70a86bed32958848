/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * end.h: sessions that are over because their backend is: it was drained or taken out of
 * the configuration and the time is up, or it is down and its sessions were not to stay.
 *
 * The next packet of either end is answered with a RST, whose sequence number is what that
 * packet acknowledges and therefore right (RFC 9293 section 3.10.7.1, RFC 5961 section 3).
 * User space asks those that are silent to say something. Asked once a second of a busy
 * session, and of whatever is more than data: so that data pays nothing.
 */
#ifndef FULLNAT_BALANCER_END_H
#define FULLNAT_BALANCER_END_H

#include "../lib/reset.h"
#include "../lib/states.h"
#include "maps.h"
#include "stages.h"

static __always_inline int is_over(const struct session_entry *entry)
{
	__u32 index = entry->backend;
	__u64 *end_ns = bpf_map_lookup_elem(&backend_ends, &index);

	return end_ns && *end_ns && bpf_ktime_get_ns() >= *end_ns;
}

/* A RST goes on: it tells the other end what we would. */
static __always_inline void end_if_over(struct packet *p, const struct session_entry *entry)
{
	if (!(p->flags & RST) && is_over(entry))
		bpf_tail_call(p->ctx, &stages, STAGE_END); /* does not return */
}

/* The session rests as if the other end had sent the RST. */
static __always_inline void rest_after_reset(const struct packet *p, struct session_entry *entry,
					     struct session_slot *slot)
{
	__u32 told = entry->flags & ENTRY_BACK ? RESET_BY_FRONT : RESET_BY_BACK, word;

	entry->flags &= ~ENTRY_ESTABLISHED;
	for (int i = 0; i < SWAP_TRIES; i++) {
		word = slot->word;
		if (!is_live(STATE_OF(word)) && STATE_OF(word) != STATE_RESET)
			return;
		if (swap_word(slot, word, (word & ~0xffu) | told | STATE_RESET))
			break;
	}
	touch(entry, slot, p->now);
}

/* Answers a packet of a session that is over; in a program of its own. */
static __always_inline enum verdict end_session(struct packet *p)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, &p->flow);
	struct session_slot *slot = entry ? get_slot(entry->slot) : 0;

	if (!slot || !is_of_session(p, entry, slot))
		return VERDICT_DROP_RACE;
	rest_after_reset(p, entry, slot);
	if (turn_into_reset(p))
		return VERDICT_DROP_INTERNAL;
	p->action = bpf_redirect(p->ctx->ifindex, 0);
	return VERDICT_RESET_ENDED;
}

#endif
