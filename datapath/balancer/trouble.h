/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * trouble.h: what connections say about their backend before any check does: a RST instead
 * of a SYN+ACK, or a client that has to send its SYN again. Anybody can send a SYN twice,
 * so this makes a check come early, and takes nobody out.
 */
#ifndef FULLNAT_BALANCER_TROUBLE_H
#define FULLNAT_BALANCER_TROUBLE_H

#include "maps.h"

#define ANSWER_TICKS \
	238 /* 250 ms: a SYN is sent again after a second (RFC 6298), or it is a copy */

static __always_inline void note_trouble(const struct packet *p, const struct session_entry *entry)
{
	int from_back = entry->flags & ENTRY_BACK;
	__u32 index = entry->backend;
	struct session_slot *slot;
	struct trouble *trouble;

	if (!(from_back ? p->flags & RST : is_opening_syn(p)))
		return;
	slot = get_slot(entry->slot);
	trouble = bpf_map_lookup_elem(&backend_trouble, &index);
	if (!slot || !trouble || STATE_OF(slot->word) != STATE_OPENING || slot->back_isn)
		return;
	if (from_back)
		__sync_fetch_and_add(&trouble->refused, 1);
	else if (p->now - slot->created >= ANSWER_TICKS) /* not the first one */
		__sync_fetch_and_add(&trouble->unanswered, 1);
}

#endif
