/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * cookie_session.h: the handshake with the backend of a session that a cookie opened.
 *
 *   balancer ── SYN ──▶ backend              again, whenever the client asks for its window
 *   balancer ◀── SYN+ACK ── backend
 *   balancer ── ACK ──▶ backend              a copy, which comes in as the client's own
 *   client ◀── ACK, window ── balancer       what the SYN+ACK becomes
 */
#ifndef FULLNAT_BALANCER_COOKIE_SESSION_H
#define FULLNAT_BALANCER_COOKIE_SESSION_H

#include "cookie.h"
#include "splice.h"

/* True for packets that are not simply translated: those of this file. */
static __always_inline int is_for_splice(const struct packet *p, const struct session_entry *entry)
{
	if (!(entry->flags & (ENTRY_COOKIE | ENTRY_SPLICED)) || p->ttl <= 1)
		return 0;
	if (entry->flags & ENTRY_SPLICED)
		return (entry->flags & ENTRY_BACK) && (p->flags & (SYN | RST)) == SYN;
	return (entry->flags & ENTRY_BACK) || !(p->flags & (SYN | RST));
}

/* The client's ISN as it knows it. */
static __always_inline __u32 client_isn(const struct session_slot *slot, __u32 index)
{
	return slot->flags & SLOT_SHIFTED ? unshifted_sequence(slot->front_isn, index)
					  : slot->front_isn;
}

/* What both directions of the session are from now on: ENTRY_SPLICED, or a session like others. */
static __always_inline void mark(const struct session_slot *slot, struct session_entry *back,
				 __u16 flag)
{
	struct session_entry *front = bpf_map_lookup_elem(&sessions, &slot->front);

	if (front && front->slot == back->slot)
		front->flags = (front->flags & ~(ENTRY_COOKIE | ENTRY_SPLICED)) | flag;
	back->flags = (back->flags & ~(ENTRY_COOKIE | ENTRY_SPLICED)) | flag;
}

/* How the numbers of both ends become each other's; `answer` is the backend's SYN+ACK. */
static __always_inline void splice_ends(struct splice *splice, const struct packet *p,
					const struct handshake_options *answer)
{
	__u8 client_scale = splice->time & COOKIE_TIME_SCALE;

	splice->back_scale = 0;
	splice->front_scale = 0;
	if (splice->time && client_scale != NO_SCALE) {
		if (answer->scale == NO_SCALE) { /* then nobody scales, it thinks */
			splice->back_scale = -COOKIE_SCALE;
			splice->front_scale = client_scale;
		} else {
			splice->back_scale = answer->scale - COOKIE_SCALE;
		}
	}
	splice->sequence -= p->sequence;
	splice->time = splice->time && answer->timed ? splice->time - answer->time : 0;
}

/* The client's ACK of the SYN+ACK, as if it had just come in. */
static __noinline int acknowledge(struct packet *p, const struct session_slot *slot, __u32 index,
				  const struct handshake_options *answer)
{
	struct splice *splice = get_splice(index);
	struct handshake ack = {
		.flow = slot->front,
		.sequence = client_isn(slot, index) + 1,
		.acknowledgement = slot->back_isn + 1,
		.flags = ACK,
		.ttl = COOKIE_TTL,
	};

	if (!splice)
		return -1;
	ack.window = bpf_ntohs(splice->window);
	ack.options.scale = NO_SCALE;
	ack.options.timed = answer->timed;
	ack.options.time = splice->client_time;
	ack.options.echo = answer->time + splice->time;
	if (turn_into_handshake(p->ctx, &ack))
		return -1;
	return bpf_clone_redirect(p->ctx, p->ctx->ifindex, BPF_F_INGRESS);
}

/* What opens the client's window; it leaves by the session's own translation. */
static __noinline int open_window(struct packet *p, const struct handshake_options *answer,
				  __u32 window)
{
	struct handshake update = {
		.flow = p->flow,
		.options = *answer,
		.sequence = p->sequence + 1,
		.acknowledgement = p->acknowledgement,
		.flags = ACK,
		.ttl = p->ttl,
		.tos = p->tos,
	};

	/* a SYN's own window is not scaled, those that follow are */
	update.window = answer->scale == NO_SCALE ? window : window >> answer->scale;
	update.options.mss = 0;
	update.options.sack = 0;
	update.options.scale = NO_SCALE;
	return turn_into_handshake(p->ctx, &update);
}

/* The backend's SYN+ACK, once more if our ACK was lost. */
static __always_inline enum verdict splice_answer(struct packet *p, struct session_entry *entry,
						  struct session_slot *slot, struct splice *splice)
{
	struct handshake_options answer;
	__u32 window = read_window(p);

	read_options(p->ctx, p->tcp_header_bytes, &answer);
	if (entry->flags & ENTRY_AWAITED)
		count_answer(p, entry);
	if (entry->flags & ENTRY_COOKIE) {
		slot->back_isn = splice->sequence;
		splice_ends(splice, p, &answer);
		mark(slot, entry, ENTRY_SPLICED);
	} else if (p->sequence + splice->sequence != slot->back_isn) {
		return VERDICT_RESET_STALE; /* it has forgotten what the client goes on with */
	}
	if (acknowledge(p, slot, entry->slot, &answer) || open_window(p, &answer, window))
		return VERDICT_DROP_INTERNAL;
	return VERDICT_TO_CLIENT;
}

/* What a backend sends before the session is spliced, and every SYN of its. */
static __always_inline enum verdict hear_backend(struct packet *p, struct session_entry *entry,
						 struct session_slot *slot, struct splice *splice)
{
	int is_answer = (p->flags & ACK) && p->acknowledgement == slot->front_isn + 1;

	if ((p->flags & (SYN | ACK | RST)) == (SYN | ACK)) {
		if (is_answer && is_live(STATE_OF(slot->word)))
			return splice_answer(p, entry, slot, splice);
		if (entry->flags & ENTRY_SPLICED) { /* to another SYN, which was the client's own */
			mark(slot, entry, 0);
			return VERDICT_TO_CLIENT;
		}
	}
	if (p->flags & RST) {
		if (!is_answer) /* RFC 9293 section 3.10.7.3 */
			return VERDICT_DROP_NO_SESSION;
		/* refused: the client has to hear it as from who answered it */
		splice->sequence += 1 - p->sequence;
		splice->time = 0;
		splice->back_scale = 0;
		splice->front_scale = 0;
		mark(slot, entry, ENTRY_SPLICED);
		return VERDICT_TO_CLIENT;
	}
	/* RFC 9293 section 3.10.7.3: so it forgets the older connection, and takes the next SYN */
	return VERDICT_RESET_STALE;
}

/* The client asks for its window, or sends in spite of it: perhaps the SYN was lost. */
static __always_inline enum verdict ask_again(struct packet *p, struct session_entry *entry,
					      struct session_slot *slot, struct splice *splice)
{
	if (!is_live(STATE_OF(slot->word)) || p->acknowledgement != splice->sequence + 1)
		return refuse(p, VERDICT_RESET_UNKNOWN, REFUSE_RESET);
	if (become_syn(p, splice, client_isn(slot, entry->slot)))
		return VERDICT_DROP_INTERNAL;
	count_note(NOTE_COOKIE_AGAIN);
	return VERDICT_TO_BACKEND;
}

/* VERDICT_TO_BACKEND or VERDICT_TO_CLIENT for what is now a packet like any other of the session. */
static __always_inline enum verdict decide_splice(struct packet *p)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, &p->flow);
	struct session_slot *slot = entry ? get_slot(entry->slot) : 0;
	struct splice *splice = entry ? get_splice(entry->slot) : 0;

	if (!slot || !splice || !is_of_session(p, entry, slot) ||
	    STATE_OF(slot->word) == STATE_DEAD || STATE_OF(slot->word) == STATE_FREE)
		return VERDICT_DROP_RACE;
	if (entry->flags & ENTRY_BACK)
		return hear_backend(p, entry, slot, splice);
	return ask_again(p, entry, slot, splice);
}

#endif
