/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* from_server.h: the server's packets: back to the balancer, or on to the client. */
#ifndef FULLNAT_AGENT_FROM_SERVER_H
#define FULLNAT_AGENT_FROM_SERVER_H

#include "to_server.h"

/*
 * The server speaks on a connection that we do not know: it began before the agent,
 * and keeps its tuple. Only the server is believed: anyone can send an ACK towards
 * it. VERDICT_PASS when there is a session now.
 */
static __always_inline enum verdict adopt(struct packet *p, const struct server *server,
					  const struct flow4 *front)
{
	struct newcomer n = { .p = p, .server = server, .front = *front, .local = NO_LOCAL };
	enum verdict verdict = take_place(&n);

	if (verdict != VERDICT_PASS)
		return verdict;
	n.kind = is_trusted(front->source_addr) ? SESSION_KEPT : SESSION_DIRECT;
	n.back = reversed(front);
	n.wanted_port = n.back.destination_port;
	if (reserve_wanted(&n)) {
		return_slot(n.slot_index);
		return VERDICT_DROP_STALE; /* the tuple belongs to a newer connection */
	}
	if (settle(&n, SLOT_ADOPTED))
		return VERDICT_DROP_RACE;
	if (!(p->flags & SYN))
		swap_word(n.slot, STATE_OPENING, STATE_ESTABLISHED);
	count_note(NOTE_ADOPTED);
	return VERDICT_PASS;
}

/*
 * True when the server answers our SYN with the acknowledgement of another
 * connection (RFC 5961 section 4): it already has this tuple, from a time before
 * the agent. Only fresh sessions: on a reopened one the ends sort it out.
 */
static __always_inline int is_tuple_owned(const struct packet *p, const struct session_slot *slot)
{
	return STATE_OF(slot->word) == STATE_OPENING && !(slot->flags & SLOT_REOPENED) &&
	       slot->kind != SESSION_KEPT && (p->flags & (SYN | ACK | RST)) == ACK &&
	       !slot->back_isn && p->acknowledgement != slot->front_isn + 1;
}

/*
 * Gives the tuple to the connection that had it all along, as a direct one. The
 * newcomer's SYN comes again and then finds a collision like any other.
 */
static __always_inline enum verdict yield_tuple(struct packet *p, struct session_slot *slot,
						__u32 index)
{
	struct server *server = find_server(p->flow.source_addr, p->flow.source_port);
	struct flow4 front = reversed(&p->flow);
	__u32 word = slot->word;

	if (!swap_word(slot, word, STATE_DEAD))
		return VERDICT_DROP_RACE;
	bury(slot, index);
	if (server)
		adopt(p, server, &front);
	return VERDICT_DROP_TUPLE_OWNED;
}

static __always_inline enum verdict decide_answer(struct packet *p, struct session_entry *entry)
{
	struct session_slot *slot;
	struct edit e = {};

	if (entry->flags & ENTRY_RELEASED)
		return VERDICT_DROP_STALE;
	if (!(entry->flags & ENTRY_ESTABLISHED)) {
		slot = get_slot(entry->slot);
		if (slot && slot->kind == SESSION_RESTORED && is_tuple_owned(p, slot))
			return yield_tuple(p, slot, entry->slot);
	}
	note_packet(p, entry);
	count_packet(p, entry);
	follow_link(p, entry);
	if (entry->flags & ENTRY_IDENTITY)
		return VERDICT_KEPT;
	return apply_shift(p, &e, entry) || write_tuple(p, entry, &e, 0) ? VERDICT_DROP_INTERNAL
									 : VERDICT_TO_CLIENT;
}

static __always_inline enum verdict decide_from_server(struct packet *p)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, &p->flow);
	struct server *server;
	struct flow4 front;

	if (entry && (entry->flags & ENTRY_BACK))
		return decide_answer(p, entry);
	server = find_server(p->flow.source_addr, p->flow.source_port);
	if (!server || entry || (p->flags & RST) || (p->flags & (SYN | ACK)) == SYN ||
	    is_left_to_socket_mode(p->flow.destination_addr))
		return VERDICT_PASS;
	front = reversed(&p->flow);
	if (adopt(p, server, &front) != VERDICT_PASS)
		return VERDICT_PASS;
	entry = bpf_map_lookup_elem(&sessions, &p->flow);
	return entry ? decide_answer(p, entry) : VERDICT_PASS;
}

#endif
