/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* admit.h: packets without a live session: who may open one, and what the others hear. */
#ifndef FULLNAT_BALANCER_ADMIT_H
#define FULLNAT_BALANCER_ADMIT_H

#include "../lib/reset.h"
#include "open.h"

/* RESET_x and DROP_x are the same refusal in two tones, five apart. */
#define RESET_TO_DROP (VERDICT_DROP_UNKNOWN - VERDICT_RESET_UNKNOWN)

static __always_inline struct listener *find_listener(const struct packet *p)
{
	struct endpoint4 key = {
		.addr = p->flow.destination_addr,
		.port = p->flow.destination_port,
		.protocol = IPPROTO_TCP,
	};

	return bpf_map_lookup_elem(&listeners, &key);
}

static __always_inline int is_for_local(const struct packet *p)
{
	__be32 addr = p->flow.destination_addr;

	return bpf_map_lookup_elem(&locals_by_addr, &addr) != 0;
}

static __always_inline int is_reset(enum verdict verdict)
{
	return verdict >= VERDICT_RESET_UNKNOWN && verdict <= VERDICT_RESET_LISTENER_LIMIT;
}

/* Says which tone a refusal takes; other verdicts stay as they are. */
static __always_inline enum verdict refuse(const struct packet *p, enum verdict verdict, __u32 tone)
{
	if (!is_reset(verdict))
		return verdict;
	/* A RST is never answered with a RST (RFC 9293 section 3.10.7.1). */
	if (tone == REFUSE_DROP || (p->flags & RST))
		return verdict + RESET_TO_DROP;
	return verdict;
}

static __always_inline int takes_new(const struct session_entry *entry)
{
	__u32 index = entry->backend;
	struct backend *backend = bpf_map_lookup_elem(&backends, &index);

	return backend && backend->used && !backend->out;
}

/*
 * A SYN on a resting session is a new connection, and admitted like one: over the limit,
 * or when its backend takes no more, the session ends and the SYN has to open another.
 * VERDICT_TO_BACKEND when it was taken up again, VERDICT_PASS when it has ended.
 */
static __always_inline enum verdict take_up(struct packet *p, const struct listener *listener,
					    struct session_entry *entry)
{
	struct session_slot *slot = get_slot(entry->slot);
	__u32 word;

	if (p->ttl <= 1)
		return VERDICT_DROP_TTL;
	if (!slot)
		return VERDICT_DROP_RACE;
	if (!is_over_limit(listener) && takes_new(entry))
		return reopen_if_resting(p, entry, slot) ? VERDICT_TO_BACKEND : VERDICT_DROP_RACE;
	word = slot->word;
	if (!is_resting(STATE_OF(word)) || !swap_word(slot, word, STATE_DEAD))
		return VERDICT_DROP_RACE;
	bury(slot, entry->slot);
	return VERDICT_PASS;
}

/* A SYN to a listener: VERDICT_TO_BACKEND when it has a session now. */
static __always_inline enum verdict admit_syn(struct packet *p, const struct listener *listener)
{
	struct traffic *counters;
	enum verdict verdict;

	if (p->ttl <= 1)
		return VERDICT_DROP_TTL;
	verdict = open_session(p, listener);
	if (verdict == VERDICT_PASS)
		return VERDICT_TO_BACKEND;
	counters = listener_counters(listener->index);
	if (counters)
		counters->refused += 1;
	return refuse(p, verdict, listener->on_refused);
}

/* A packet that no live session has; VERDICT_TO_BACKEND when one has it now. */
static __always_inline enum verdict admit(struct packet *p)
{
	struct listener *listener = find_listener(p);
	struct session_entry *entry;
	enum verdict verdict;

	if (!listener)
		return is_for_local(p) ? VERDICT_DROP_NO_SESSION : VERDICT_PASS;
	if (!is_opening_syn(p))
		return refuse(p, VERDICT_RESET_UNKNOWN, listener->on_unknown);
	entry = bpf_map_lookup_elem(&sessions, &p->flow);
	if (entry) {
		verdict = take_up(p, listener, entry);
		if (verdict != VERDICT_PASS)
			return verdict;
	}
	return admit_syn(p, listener);
}

#endif
