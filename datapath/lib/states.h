/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * states.h: how a packet moves a session from state to state.
 *
 *            SYN                client's ACK of SYN+ACK          FIN           both FINs
 *   (none) ──────▶ opening ───────────────────────▶ established ─────▶ closing ────────▶ time-wait
 *                     │ RST                             │ RST  ▲ later packet of       │ SYN
 *                     └──────────────▶ reset ◀──────────┘──────┘ the RST's sender      └─▶ opening
 *
 * A RST only shortens the time-out (RFC 7857 section 2.2): what its supposed sender
 * sends later undoes a forged one. A RST or FIN whose sequence number its sender cannot
 * have reached is left to the ends, and moves nothing (can_have_sent()).
 * While a session is opening, only what completes the handshake moves it: anyone can
 * send the rest. A SYN moves no live session; that the server answers it does.
 */
#ifndef FULLNAT_STATES_H
#define FULLNAT_STATES_H

#include "shift.h"

#define HANDSHAKE_DATA_MAX 65536 /* more than any initial window (RFC 6928) */
#define WINDOW_MAX (1u << 30)    /* no more is ever on its way (RFC 7323 section 2.3) */

/*
 * True when the client acknowledges the server's SYN, and not more than can have
 * been sent with it: data may come along (RFC 7413).
 */
static __always_inline int completes_handshake(const struct packet *p, __u32 back_isn)
{
	return (p->flags & ACK) && back_isn &&
	       p->acknowledgement - (back_isn + 1) < HANDSHAKE_DATA_MAX;
}

/*
 * False for a sequence number that this side of the session cannot have reached, or has
 * left behind: it has sent no more than the bytes that we counted, headers included, from
 * its initial one on, and a window of them at most is not acknowledged. What we cannot
 * know is not held against a packet.
 */
static __always_inline int can_have_sent(const struct session_slot *slot,
					 const struct session_entry *entry, __u32 sequence)
{
	__u32 isn = entry->flags & ENTRY_BACK ? slot->back_isn : slot->front_isn;
	__u32 back = entry->bytes < WINDOW_MAX ? entry->bytes : WINDOW_MAX;

	if (!isn || (slot->flags & SLOT_ADOPTED))
		return 1;
	return isn + (__u32)entry->bytes - sequence <= back;
}

/*
 * True when both ends have shown that they know of the connection. In a simultaneous
 * open the client does so by a SYN+ACK (RFC 9293 figure 8).
 */
static __always_inline int is_accepted(const struct packet *p, int from_back,
				       const struct session_slot *slot)
{
	if (from_back) /* on with what we found, or with what a forged RST and SYN reopened */
		return (slot->flags & SLOT_ADOPTED) ||
		       ((slot->flags & SLOT_REOPENED) && !slot->back_isn);
	return completes_handshake(p, slot->back_isn);
}

/*
 * True when the server has accepted another SYN than the last one that we believed: the
 * client uses its port again, and the server had forgotten what is live here.
 */
static __always_inline int begins_anew(const struct packet *p, int from_back,
				       const struct session_slot *slot)
{
	return from_back && (p->flags & (SYN | ACK | RST)) == (SYN | ACK) &&
	       p->acknowledgement - 1 != slot->front_isn;
}

/* The word after this packet; the same word when it changes nothing. */
static __always_inline __u32 next_word(__u32 word, const struct packet *p, int from_back,
				       const struct session_slot *slot)
{
	__u32 state = STATE_OF(word), bits = word & ~0xffu;
	__u32 own_reset = from_back ? RESET_BY_BACK : RESET_BY_FRONT;

	if (state == STATE_DEAD || state == STATE_FREE)
		return word;
	if (begins_anew(p, from_back, slot))
		return STATE_OPENING;
	/* before the handshake is done anyone can send FIN and RST: it stays evictable */
	if (state == STATE_OPENING && !from_back && !completes_handshake(p, slot->back_isn))
		return word;
	if (p->flags & RST)
		return state == STATE_TIME_WAIT ? word : bits | own_reset | STATE_RESET;
	if ((p->flags & SYN) && (from_back || !(p->flags & ACK) || state != STATE_OPENING))
		return word; /* reopening is the caller's business */
	if (state == STATE_RESET && !(bits & own_reset))
		return word; /* was under way when the other side sent its RST */
	bits &= ~own_reset;
	if (p->flags & FIN)
		bits |= from_back ? CLOSED_BY_BACK : CLOSED_BY_FRONT;
	if ((bits & CLOSED_BY_BOTH) == CLOSED_BY_BOTH)
		return bits | STATE_TIME_WAIT;
	if (bits & CLOSED_BY_BOTH)
		return bits | STATE_CLOSING;
	if (state == STATE_RESET)
		return bits & (RESET_BY_FRONT | RESET_BY_BACK) ? word : STATE_ESTABLISHED;
	if (state == STATE_OPENING && is_accepted(p, from_back, slot))
		return STATE_ESTABLISHED;
	return word;
}

/* The packet's sequence number as the server sees it. */
static __always_inline __u32 front_sequence(const struct packet *p,
					    const struct session_entry *entry)
{
	return entry->flags & ENTRY_SHIFTED ? shifted_sequence(p->sequence, entry->slot)
					    : p->sequence;
}

/* False for what its supposed sender cannot have sent: forged, and not by a neighbour. */
static __noinline int is_believed(const struct packet *p, const struct session_entry *entry,
				  const struct session_slot *slot)
{
	__u32 sequence = entry->flags & ENTRY_BACK ? p->sequence : front_sequence(p, entry);

	return can_have_sent(slot, entry, sequence);
}

/*
 * Every header, and all that is sent again, takes the count further beyond the numbers. So
 * after a gigabyte it is the data that says, once a second, where a side has come: its
 * initial number is moved, until the count is a quarter of a window ahead.
 */
static __noinline void follow_numbers(const struct packet *p, const struct session_entry *entry,
				      struct session_slot *slot)
{
	int from_back = !!(entry->flags & ENTRY_BACK);
	__u32 sequence = from_back ? p->sequence : front_sequence(p, entry);
	__u32 isn = from_back ? slot->back_isn : slot->front_isn;
	__u32 ahead = isn + (__u32)entry->bytes - sequence;

	if (!isn || ahead <= WINDOW_MAX / 2 || ahead + WINDOW_MAX > 2 * WINDOW_MAX)
		return;
	isn -= ahead - WINDOW_MAX / 4;
	if (from_back)
		slot->back_isn = isn;
	else
		slot->front_isn = isn;
}

/* Where each side's numbers begin; a SYN of nobody knows whom does not move that later. */
static __always_inline void note_isn(const struct packet *p, struct session_entry *entry,
				     struct session_slot *slot)
{
	int from_back = !!(entry->flags & ENTRY_BACK);

	/* without ACK: a simultaneous open (RFC 5382 REQ-2) */
	if (from_back && (p->flags & (SYN | RST)) == SYN && slot->back_isn != p->sequence) {
		slot->back_isn = p->sequence;
		entry->packets = 1; /* what is counted from there on */
		entry->bytes = p->ip_bytes;
	}
	if (!from_back && is_opening_syn(p) && STATE_OF(slot->word) == STATE_OPENING)
		slot->front_isn = front_sequence(p, entry);
}

/* The session is another connection's now; `entry` is of the server's side. */
static __noinline void begin_anew(const struct packet *p, const struct session_entry *entry,
				  struct session_slot *slot, __u32 word)
{
	struct session_entry *front = bpf_map_lookup_elem(&sessions, &slot->front);

	if (STATE_OF(word) != STATE_OPENING)
		count_note(NOTE_BEGUN_ANEW);
	slot->front_isn = p->acknowledgement - 1;
	slot->flags &= ~SLOT_NUMBERS;
	if (!front || front->slot != entry->slot)
		return;
	front->flags &= ~ENTRY_ESTABLISHED;
	if (front->bytes > HANDSHAKE_DATA_MAX) /* its SYN is among them */
		front->bytes = HANDSHAKE_DATA_MAX;
}

/* The slow path of a known session: everything but established data. */
static __always_inline void advance(struct packet *p, struct session_entry *entry,
				    struct session_slot *slot)
{
	int from_back = !!(entry->flags & ENTRY_BACK);
	__u32 word = slot->word, next = word;

	if ((p->flags & (FIN | RST)) && !is_believed(p, entry, slot)) {
		count_note(p->flags & RST ? NOTE_RESET_NOT_BELIEVED : NOTE_FIN_NOT_BELIEVED);
		return;
	}
	note_isn(p, entry, slot);
	for (int i = 0; i < SWAP_TRIES; i++) {
		word = slot->word;
		next = next_word(word, p, from_back, slot);
		if (next == word || swap_word(slot, word, next))
			break;
	}
	if (begins_anew(p, from_back, slot))
		begin_anew(p, entry, slot, word);
	/* a RST that changes nothing keeps nothing alive (RFC 7857 section 7) */
	if (!(p->flags & RST) || next != word)
		touch(entry, slot, p->now);
	/* a forged number would be the last one for whoever has the tuple next */
	if (!from_back && (next & CLOSED_BY_BOTH) && !(p->flags & (SYN | RST)) &&
	    is_believed(p, entry, slot))
		note_ending(p, entry->slot);
	if (entry->bytes >= WINDOW_MAX && !(p->flags & (SYN | FIN | RST)))
		follow_numbers(p, entry, slot);
	if (slot->back_isn && (!entry->handshake_ack || STATE_OF(word) == STATE_OPENING))
		entry->handshake_ack = slot->back_isn + 1;
	if (STATE_OF(next) == STATE_ESTABLISHED)
		entry->flags |= ENTRY_ESTABLISHED;
	else
		entry->flags &= ~ENTRY_ESTABLISHED;
}

/* True when the packet can only be established data: the slot need not be read. */
static __always_inline int is_plain_data(const struct packet *p, const struct session_entry *entry)
{
	return (entry->flags & ENTRY_ESTABLISHED) && !(p->flags & (SYN | FIN | RST)) &&
	       p->now - entry->seen < TOUCH_TICKS;
}

/*
 * True for the client's segments that a TOA reader looks at: every SYN, and what
 * acknowledges exactly the server's SYN. Nothing later is read by anyone.
 */
static __always_inline int is_handshake(const struct packet *p, const struct session_entry *entry)
{
	if (p->flags & SYN)
		return 1;
	return entry->handshake_ack && p->acknowledgement == entry->handshake_ack;
}

/*
 * False when the session ended after its entry was looked up, and the slot is
 * another session's by now: freed slots are reused at once.
 */
static __always_inline int is_of_session(const struct packet *p, const struct session_entry *entry,
					 const struct session_slot *slot)
{
	return same_flow(&p->flow, entry->flags & ENTRY_BACK ? &slot->back : &slot->front);
}

/* Counts the packet, and moves the session on when it is more than data. */
static __always_inline void note_packet(struct packet *p, struct session_entry *entry)
{
	struct session_slot *slot;

	entry->packets += 1;
	entry->bytes += p->ip_bytes;
	if (is_plain_data(p, entry))
		return;
	slot = get_slot(entry->slot);
	if (slot && is_of_session(p, entry, slot))
		advance(p, entry, slot);
}

/* Takes back what note_packet() counted. */
static __always_inline void uncount_packet(struct session_entry *entry, __u32 bytes)
{
	entry->packets -= 1;
	entry->bytes -= bytes;
}

/* What a session that ended tells the one that opens on its tuple. */
static __always_inline __u32 numbers_before(const struct session_slot *slot)
{
	return (slot->flags & SLOT_ENDED ? SLOT_BEFORE : 0) |
	       (slot->flags & SLOT_ENDED_TIMED ? SLOT_BEFORE_TIMED : 0);
}

/*
 * A SYN on a resting session takes it up again on the same tuple. Returns 1 when
 * the session can carry the SYN, 0 when it is being deleted at this moment.
 */
static __always_inline int reopen_if_resting(struct packet *p, struct session_entry *entry,
					     struct session_slot *slot)
{
	__u32 word = slot->word;

	if (STATE_OF(word) == STATE_DEAD || STATE_OF(word) == STATE_FREE)
		return 0;
	if (!is_resting(STATE_OF(word)))
		return 1;
	slot->seen = p->now; /* before the state: the sweeper goes by both */
	if (!swap_word(slot, word, STATE_OPENING))
		return 0;
	slot->created = p->now;
	slot->front_isn = front_sequence(p, entry);
	slot->back_isn = 0;
	entry->packets = 0;
	entry->bytes = 0;
	slot->flags = (slot->flags & ~SLOT_NUMBERS) | numbers_before(slot) | SLOT_REOPENED;
	entry->handshake_ack = 0;
	entry->flags &= ~(ENTRY_TOA_DUE | ENTRY_TOA_SENT);
	count_note(NOTE_REOPENED);
	return 1;
}

#endif
