/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* admit.h: packets without a live session: who may open one, and what the others hear. */
#ifndef FULLNAT_BALANCER_ADMIT_H
#define FULLNAT_BALANCER_ADMIT_H

#include "answer.h"
#include "open.h"
#include "protection.h"

static __always_inline struct listener *find_listener(const struct packet *p)
{
	struct endpoint4 key = {
		.addr = p->flow.destination_addr,
		.port = p->flow.destination_port,
		.protocol = IPPROTO_TCP,
	};

	return bpf_map_lookup_elem(&listeners, &key);
}

/*
 * True when the SYN belongs to the session that its tuple has. On a resting one it is a
 * new connection; and before the handshake is done, a backend that has gone out of use
 * is better left for another one.
 */
static __always_inline int keeps_syn(const struct session_entry *entry, __u32 state)
{
	/* of one that a cookie opened the client has an answer already: the SYN is ours */
	if (state == STATE_OPENING && !(entry->flags & (ENTRY_COOKIE | ENTRY_SPLICED)))
		return !is_out(entry->backend);
	return is_live(state);
}

/*
 * A SYN that does not belong to the session it finds: when its backend takes no more, the
 * session ends and the SYN has to open another. VERDICT_TO_BACKEND when it was taken up
 * again, VERDICT_PASS when it has ended.
 */
static __always_inline enum verdict take_up(struct packet *p, struct session_entry *entry)
{
	struct session_slot *slot = get_slot(entry->slot);
	__u32 word;

	if (!slot)
		return VERDICT_DROP_RACE;
	/* one that a cookie opened has numbers that the next connection would not have */
	if (!(entry->flags & (ENTRY_COOKIE | ENTRY_SPLICED)) && takes_new(entry->backend))
		return reopen_if_resting(p, entry, slot) ? VERDICT_TO_BACKEND : VERDICT_DROP_RACE;
	word = slot->word;
	if (STATE_OF(word) == STATE_OPENING ? !swap_word(slot, word, STATE_DEAD)
					    : !claim_resting(slot, word))
		return VERDICT_DROP_RACE;
	bury(slot, entry->slot);
	return VERDICT_PASS;
}

/* A SYN that may open a session, or take up the one that rests; VERDICT_TO_BACKEND when it did. */
static __always_inline enum verdict begin(struct packet *p, const struct listener *listener)
{
	struct session_entry *resting = bpf_map_lookup_elem(&sessions, &p->flow);
	enum verdict verdict = resting ? take_up(p, resting) : VERDICT_PASS;

	if (verdict == VERDICT_PASS)
		verdict = open_session(p, listener);
	return verdict == VERDICT_PASS ? VERDICT_TO_BACKEND : verdict;
}

/* Refuses what would have opened a session. */
static __always_inline enum verdict refuse_counted(struct packet *p, enum verdict verdict,
						   const struct listener *listener)
{
	struct traffic *counters = listener_counters(listener->index);

	if (counters)
		counters->refused += 1;
	return refuse(p, verdict, listener->on_refused);
}

/* A SYN to a listener: VERDICT_TO_BACKEND when it has a session now, VERDICT_COOKIE to get a cookie. */
static __always_inline enum verdict admit_syn(struct packet *p, const struct listener *listener)
{
	enum verdict verdict = VERDICT_PASS;

	if (p->ttl <= 1)
		return VERDICT_ANSWER_TTL;
	if (!bpf_map_lookup_elem(&sessions, &p->flow)) /* what rests takes no more memory */
		verdict = protect(p, listener);
	if (verdict == VERDICT_PASS)
		verdict = ask_admission(p, listener);
	if (verdict == VERDICT_PASS)
		verdict = begin(p, listener);
	if (verdict == VERDICT_TO_BACKEND || verdict == VERDICT_COOKIE)
		return verdict;
	return refuse_counted(p, verdict, listener);
}

/*
 * A packet that no live session has; VERDICT_TO_BACKEND when one has it now, VERDICT_COOKIE
 * when that is for the program to decide that knows cookies.
 */
static __always_inline enum verdict admit(struct packet *p)
{
	struct listener *listener = find_listener(p);

	if (!listener)
		return is_for_local(p) ? VERDICT_DROP_NO_SESSION : VERDICT_PASS;
	if (may_bring_cookie(p, listener))
		return VERDICT_COOKIE;
	if (!is_opening_syn(p))
		return refuse(p, VERDICT_RESET_UNKNOWN, listener->on_unknown);
	return admit_syn(p, listener);
}

#endif
