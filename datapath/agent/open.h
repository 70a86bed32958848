/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * open.h: who owns which tuple on the server: a new connection takes one.
 *
 * Restored and direct connections live in one table, so a tuple has one owner by
 * construction. Who comes second gets another port of the same client address;
 * neither side ever loses.
 */
#ifndef FULLNAT_AGENT_OPEN_H
#define FULLNAT_AGENT_OPEN_H

#include "../lib/reserve.h"
#include "../lib/states.h"
#include "../lib/toa.h"
#include "maps.h"

/* A connection that needs a place in the table. */
struct newcomer {
	struct packet *p;
	const struct server *server;
	const struct settings *settings;
	struct session_slot *slot;
	struct scratch *scratch; /* `entry`: of one side, then of the other */
	struct flow4 front;      /* as it arrives from the network */
	struct flow4 back;       /* as the server will answer: server -> visible peer */
	__u32 slot_index;
	__be16 wanted_port;
	__u16 local; /* 0: has a port of the remap range; NO_LOCAL: has none */
	__u8 kind;
};

static __always_inline int is_identity(const struct newcomer *n)
{
	return n->back.destination_addr == n->front.source_addr &&
	       n->back.destination_port == n->front.source_port;
}

static __always_inline __u16 entry_flags(const struct newcomer *n)
{
	/* what was remapped to its own port, from a resting session, may have its numbers moved */
	return (is_identity(n) && n->local ? ENTRY_IDENTITY : 0) |
	       (n->kind == SESSION_DIRECT ? 0 : ENTRY_FROM_LOCAL);
}

/* The entry of the server's side: its packets leave as the peer's counterpart. */
static __always_inline void fill_back(struct newcomer *n)
{
	n->scratch->entry = (struct session_entry){
		.source_addr = n->front.destination_addr,
		.source_port = n->front.destination_port,
		.destination_addr = n->front.source_addr,
		.destination_port = n->front.source_port,
		.slot = n->slot_index,
		.seen = n->p->now,
		.backend = n->server->backend,
		.flags = ENTRY_BACK | entry_flags(n),
	};
}

static __always_inline void fill_front(struct newcomer *n)
{
	n->scratch->entry.source_addr = n->back.destination_addr;
	n->scratch->entry.source_port = n->back.destination_port;
	n->scratch->entry.destination_addr = n->front.destination_addr;
	n->scratch->entry.destination_port = n->front.destination_port;
	n->scratch->entry.flags = entry_flags(n) | (n->scratch->entry.flags & ENTRY_SHIFTED);
}

/* Takes the visible tuple n->back, if nobody has it. */
static __always_inline int reserve_wanted(struct newcomer *n)
{
	fill_back(n);
	return bpf_map_update_elem(&sessions, &n->back, &n->scratch->entry, BPF_NOEXIST);
}

/* Ends the resting session that has this tuple; 1 when it did. */
static __always_inline int bury_resting(const struct flow4 *visible)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, visible);
	__u32 index = entry ? entry->slot : NO_SLOT;
	struct session_slot *slot = get_slot(index);

	if (!slot || !claim_resting(slot, slot->word))
		return 0;
	bury(slot, index);
	return 1;
}

/*
 * Takes the tuple that the newcomer arrives with. It is the balancer's own, which
 * has let the port rest before using it again, so a resting session gives way.
 */
static __always_inline int reserve_own(struct newcomer *n)
{
	return reserve_wanted(n) && (!bury_resting(&n->back) || reserve_wanted(n));
}

/* Takes the same client address with another port. */
static __always_inline int reserve_remapped(struct newcomer *n)
{
	struct port_search search = {
		.p = n->p,
		.scratch = n->scratch,
	};
	struct port_choice *choice = &n->scratch->choice;

	*choice = (struct port_choice){
		.tuple = n->back,
		.many_peers = 1,
		.secret = { n->settings->secret[0], n->settings->secret[1] },
		.pair = { .local = 0, .backend = n->server->backend },
		.low = n->server->remap_low,
		.count = n->server->remap_high - n->server->remap_low + 1,
	};
	n->back.destination_port = 0; /* never an identity */
	fill_back(n);
	for (int round = 0; round < TAKE_OVER_ROUNDS; round++) {
		start_round(choice);
		if (search_port(&search) && choice->given_slot != NO_SLOT)
			choice->result = take_over(&search);
		if (choice->result != -EAGAIN)
			break;
	}
	end_taken(choice);
	n->back.destination_port = choice->tuple.destination_port;
	n->local = 0;
	return choice->result;
}

/* Makes the reserved tuple a session; 0 when done, else everything is undone. */
static __always_inline int settle(struct newcomer *n, __u8 flags)
{
	struct session_slot *slot = n->slot;
	struct traffic *counters;
	__u32 backend = n->server->backend;
	int error;

	slot->front = n->front;
	slot->back = n->back;
	slot->front_isn = front_sequence(n->p, &n->scratch->entry);
	slot->back_isn = 0;
	slot->listener = 0;
	slot->backend = backend;
	slot->local = n->local;
	slot->kind = n->kind;
	slot->flags = flags | (n->local == 0 ? SLOT_REMAPPED | n->scratch->choice.before : 0) |
		      (n->scratch->entry.flags & ENTRY_SHIFTED ? SLOT_SHIFTED : 0);
	slot->wanted_port = n->wanted_port;
	fill_front(n);
	error = begin_session(slot, n->slot_index, &n->scratch->entry, n->p->now);
	if (error)
		return error;
	counters = bpf_map_lookup_elem(&backend_traffic, &backend);
	if (counters)
		counters->connections += 1;
	return 0;
}

/* A slot for the newcomer; VERDICT_PASS when it has one. */
static __always_inline enum verdict take_place(struct newcomer *n)
{
	n->settings = get_settings();
	n->scratch = get_scratch();
	if (!n->settings || !n->scratch)
		return VERDICT_DROP_INTERNAL;
	n->slot_index = take_slot(n->settings, n->p->now);
	n->slot = n->slot_index == NO_SLOT ? 0 : get_slot(n->slot_index);
	return n->slot ? VERDICT_PASS : VERDICT_DROP_TABLE_FULL;
}

#endif
