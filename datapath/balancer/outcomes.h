/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * outcomes.h: what became of a listener's connections: how long their servers took to
 * answer, and who reset them. Data costs no more than two tests of a bit.
 *
 * A SYN that takes up a resting session is no new connection, and not timed.
 */
#ifndef FULLNAT_BALANCER_OUTCOMES_H
#define FULLNAT_BALANCER_OUTCOMES_H

#include "../lib/ports.h"
#include "maps.h"

static __always_inline __u32 answer_clock(void)
{
	return bpf_ktime_get_ns() >> ANSWER_SHIFT;
}

static __always_inline struct outcomes *get_outcomes(__u32 listener)
{
	return bpf_map_lookup_elem(&listener_outcomes, &listener);
}

/* From now on its server is waited for: the SYN leaves next. */
static __noinline void await_answer(const struct session_slot *slot)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, &slot->back);

	if (!entry)
		return;
	entry->awaited_since = answer_clock();
	entry->flags |= ENTRY_AWAITED;
}

/* The server's first packet: the answer to the SYN, or a refusal. */
static __noinline void count_answer(const struct packet *p, struct session_entry *entry)
{
	struct outcomes *outcomes = get_outcomes(entry->listener);
	__u32 waited = answer_clock() - entry->awaited_since;
	__u32 bucket = bit_length(waited);

	entry->flags &= ~ENTRY_AWAITED;
	entry->awaited_since = 0;
	if (!outcomes || (p->flags & (SYN | ACK)) != (SYN | ACK))
		return;
	if (bucket >= ANSWER_BUCKETS)
		bucket = ANSWER_BUCKETS - 1;
	outcomes->answers[bucket] += 1;
	outcomes->answer_units += waited;
}

static __always_inline __u32 state_of_session(const struct session_entry *entry)
{
	struct session_slot *slot = get_slot(entry->slot);

	return slot ? STATE_OF(slot->word) : STATE_FREE;
}

static __noinline void count_reset(const struct session_entry *entry)
{
	struct outcomes *outcomes = get_outcomes(entry->listener);

	if (!outcomes)
		return;
	if (entry->flags & ENTRY_BACK)
		outcomes->resets_server += 1;
	else
		outcomes->resets_client += 1;
}

/* Like note_packet(); counts what that makes of the connection. */
static __always_inline void note_outcome(struct packet *p, struct session_entry *entry)
{
	int was_live = (p->flags & RST) && is_live(state_of_session(entry));

	if (entry->flags & ENTRY_AWAITED)
		count_answer(p, entry);
	note_packet(p, entry);
	if (was_live && state_of_session(entry) == STATE_RESET)
		count_reset(entry);
}

#endif
