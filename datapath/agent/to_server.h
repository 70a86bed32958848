/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* to_server.h: packets towards the server: the client's address is put back. */
#ifndef FULLNAT_AGENT_TO_SERVER_H
#define FULLNAT_AGENT_TO_SERVER_H

#include "collision.h"
#include "link.h"

/* What the SYN asks for: the client of a TOA we believe, else its own source. */
static __always_inline void fill_wanted(struct newcomer *n, const struct toa *toa, int trusted)
{
	const struct flow4 *flow = &n->p->flow;

	n->back = reversed(flow);
	n->kind = trusted ? SESSION_KEPT : SESSION_DIRECT;
	if (trusted && !toa->length) {
		count_note(NOTE_TOA_MISSING);
	} else if (trusted && toa->addr == flow->destination_addr) {
		count_note(NOTE_HAIRPIN); /* a server's own address cannot come in from outside */
	} else if (trusted) {
		n->kind = SESSION_RESTORED;
		n->back.destination_addr = toa->addr;
		n->back.destination_port = toa->port;
	}
	n->wanted_port = n->back.destination_port;
}

/* A SYN of a connection that is not in the table; VERDICT_PASS when it is now. */
static __always_inline enum verdict open_session(struct packet *p, const struct server *server,
						 const struct toa *toa)
{
	struct newcomer n = { .p = p, .server = server, .front = p->flow, .local = NO_LOCAL };
	enum verdict verdict = take_place(&n);

	if (verdict != VERDICT_PASS)
		return verdict;
	fill_wanted(&n, toa, is_trusted(p->flow.source_addr));
	if (n.kind == SESSION_KEPT ? reserve_own(&n) : reserve_wanted(&n)) {
		verdict = resolve_collision(&n);
		if (verdict != VERDICT_PASS) {
			return_slot(n.slot_index);
			return verdict;
		}
	}
	return settle(&n, 0) ? VERDICT_DROP_RACE : VERDICT_PASS;
}

/* True when the SYN comes from the client that the session was opened for. */
static __always_inline int is_same_client(const struct session_slot *slot, const struct toa *toa)
{
	if (slot->kind == SESSION_DIRECT)
		return 1;
	if (slot->kind == SESSION_KEPT) /* stays what it is until it rests */
		return !is_resting(STATE_OF(slot->word)) || !toa->length;
	if (!toa->length) /* had no room for it: not a reason to give up a live session */
		return is_live(STATE_OF(slot->word));
	return toa->addr == slot->back.destination_addr && toa->port == slot->wanted_port;
}

/*
 * The balancer gave its local port to another client: the old session keeps only
 * its tuple on the server, until that has rested.
 */
static __always_inline void release_front(struct session_slot *slot, const struct flow4 *front)
{
	struct session_entry *back = bpf_map_lookup_elem(&sessions, &slot->back);
	__u32 word = slot->word;

	if (back)
		back->flags |= ENTRY_RELEASED;
	bpf_map_delete_elem(&sessions, front);
	if (is_live(STATE_OF(word)))
		swap_word(slot, word, STATE_TIME_WAIT);
}

/*
 * A SYN whose tuple has a session. Returns the entry to use; null when the session
 * was another client's and the SYN has to open its own.
 */
static __always_inline struct session_entry *
continue_session(struct packet *p, struct session_entry *entry, const struct toa *toa)
{
	struct session_slot *slot = get_slot(entry->slot);

	if (!slot)
		return 0;
	if (!is_same_client(slot, toa)) {
		release_front(slot, &p->flow);
		return 0;
	}
	return reopen_if_resting(p, entry, slot) ? entry : 0;
}

/* Sends the packet on to the server as the session says. */
static __always_inline enum verdict forward(struct packet *p, struct session_entry *entry,
					    struct edit *e)
{
	note_packet(p, entry);
	count_packet(p, entry);
	if (entry->flags & ENTRY_FROM_LOCAL)
		learn_link(p, entry);
	if (entry->flags & ENTRY_IDENTITY)
		return apply_checksums(p->ctx, e) ? VERDICT_DROP_INTERNAL : VERDICT_KEPT;
	return apply_shift(p, e, entry) || write_tuple(p, entry, e, 0) ? VERDICT_DROP_INTERNAL
								       : VERDICT_TO_BACKEND;
}

/* Takes every TOA out, so that no server sees one; -1 when the packet cannot be written. */
static __always_inline int strip_toa(struct packet *p, struct edit *e, struct toa *toa)
{
	int found = take_toa(p, e, toa);

	if (found > 0)
		count_note(is_trusted(p->flow.source_addr) ? NOTE_TOA_STRIPPED
							   : NOTE_TOA_UNTRUSTED);
	return found < 0 ? -1 : 0;
}

/* A packet that opens nothing. */
static __always_inline enum verdict decide_data(struct packet *p, struct session_entry *entry)
{
	struct edit e = {};
	struct toa toa;

	if ((!(entry->flags & ENTRY_ESTABLISHED) || is_handshake(p, entry)) &&
	    strip_toa(p, &e, &toa))
		return VERDICT_DROP_INTERNAL;
	return forward(p, entry, &e);
}

static __always_inline enum verdict decide_syn(struct packet *p, struct session_entry *entry,
					       const struct server *server)
{
	struct edit e = {};
	struct toa toa;
	enum verdict verdict;

	if (strip_toa(p, &e, &toa))
		return VERDICT_DROP_INTERNAL;
	if (entry)
		entry = continue_session(p, entry, &toa);
	if (!entry) {
		verdict = open_session(p, server, &toa);
		if (verdict != VERDICT_PASS)
			return verdict;
		entry = bpf_map_lookup_elem(&sessions, &p->flow);
		if (!entry)
			return VERDICT_DROP_RACE;
	}
	return forward(p, entry, &e);
}

/* True when the server's answer to this packet would be another connection's. */
static __always_inline int is_owned(const struct packet *p)
{
	struct flow4 answer = reversed(&p->flow);

	return bpf_map_lookup_elem(&sessions, &answer) != 0;
}

static __always_inline enum verdict decide_to_server(struct packet *p)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, &p->flow);
	struct server *server;

	if (entry && (entry->flags & ENTRY_BACK))
		return VERDICT_PASS;
	if (entry && !is_opening_syn(p))
		return decide_data(p, entry);
	server = find_server(p->flow.destination_addr, p->flow.destination_port);
	if (!server || (!entry && is_left_to_socket_mode(p->flow.source_addr)))
		return VERDICT_PASS;
	if (is_opening_syn(p))
		return decide_syn(p, entry, server);
	if (entry || (p->flags & (SYN | RST)))
		return VERDICT_PASS;
	/* Anyone can send this: it makes no state before the server answers it. */
	return is_owned(p) ? VERDICT_DROP_STALE : VERDICT_PASS;
}

#endif
