/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* open.h: a SYN to a listener: a backend, a local port, a session. */
#ifndef FULLNAT_BALANCER_OPEN_H
#define FULLNAT_BALANCER_OPEN_H

#include "../lib/reserve.h"
#include "../lib/states.h"
#include "outcomes.h"
#include "schedule.h"

#define LOCAL_TRIES 8 /* locals asked before the SYN is refused */

/* Everything that is decided while a session is opened. */
struct opening {
	const struct listener *listener;
	struct session_slot *slot;
	struct backend backend;
	struct port_search search; /* its entry: first of the server's side, then of the client's */
	__u32 backend_index, slot_index;
	__u32 locals_first, locals_count, local_start;
};

/* One local of the pool, beginning with the client's own; 1 ends the search. */
static int try_local(__u32 step, struct opening *o)
{
	struct port_choice *choice = &o->search.scratch->choice;
	struct local *local;

	if (step >= o->locals_count)
		return 1;
	choice->pair.local = o->locals_first + (o->local_start + step) % o->locals_count;
	local = bpf_map_lookup_elem(&locals, &choice->pair.local);
	if (!local)
		return 0;
	choice->tuple.destination_addr = local->addr;
	choice->low = local->port_low;
	choice->count = local->port_high - local->port_low + 1;
	return search_port(&o->search) == 0;
}

/*
 * Reserves (local, port, backend): tries the pool's locals; the same client gets the
 * same one first (RFC 7857 section 4). 0 with slot->back set when done.
 */
static __always_inline int reserve_local(struct opening *o, const struct pool *pool)
{
	struct port_choice *choice = &o->search.scratch->choice;
	struct settings *set = get_settings();

	o->locals_first = pool->locals_first;
	o->locals_count = pool->locals_count;
	if (!set || !o->locals_count)
		return -1;
	o->local_start = mix(o->search.p->flow.source_addr ^ (__u32)set->secret[1]);
	*choice = (struct port_choice){
		.tuple = { .source_addr = o->backend.addr,
			   .source_port = o->backend.port,
			   .protocol = IPPROTO_TCP },
		.pair = { .backend = o->backend_index },
		.secret = { set->secret[0], set->secret[1] },
	};
	for (int round = 0; round < TAKE_OVER_ROUNDS; round++) {
		start_round(choice);
		bpf_loop(LOCAL_TRIES, try_local, o, 0);
		if (choice->result && choice->given_slot != NO_SLOT)
			choice->result = take_over(&o->search);
		if (choice->result != -EAGAIN)
			break;
	}
	o->slot->back = choice->tuple;
	return choice->result;
}

static __always_inline void fill_slot(struct opening *o)
{
	struct session_slot *slot = o->slot;

	slot->front = o->search.p->flow;
	slot->front_isn = front_sequence(o->search.p, &o->search.scratch->entry);
	slot->back_isn = 0;
	slot->listener = o->listener->index;
	slot->backend = o->backend_index;
	slot->local = o->search.scratch->choice.pair.local;
	slot->kind = SESSION_BALANCED;
	slot->flags = o->search.scratch->choice.before |
		      (o->search.scratch->entry.flags & ENTRY_SHIFTED ? SLOT_SHIFTED : 0);
}

/* What the server's packets will look like to the client, and whose they are. */
static __always_inline void fill_back_entry(struct opening *o)
{
	o->search.scratch->entry = (struct session_entry){
		.source_addr = o->search.p->flow.destination_addr,
		.source_port = o->search.p->flow.destination_port,
		.destination_addr = o->search.p->flow.source_addr,
		.destination_port = o->search.p->flow.source_port,
		.slot = o->slot_index,
		.seen = o->search.p->now,
		.listener = o->listener->index,
		.backend = o->backend_index,
		.flags = ENTRY_BACK | o->search.p->entry_flags,
	};
}

/* How the client's packets will leave: from the reserved local port; a shift is of both sides. */
static __always_inline void fill_front_entry(struct opening *o)
{
	o->search.scratch->entry.source_addr = o->slot->back.destination_addr;
	o->search.scratch->entry.source_port = o->slot->back.destination_port;
	o->search.scratch->entry.destination_addr = o->backend.addr;
	o->search.scratch->entry.destination_port = o->backend.port;
	o->search.scratch->entry.flags &= ENTRY_SHIFTED;
	o->search.scratch->entry.flags |= o->search.p->entry_flags;
	o->search.scratch->entry.flags |= o->listener->toa == TOA_HANDSHAKE ? ENTRY_TOA_HANDSHAKE
					  : o->listener->toa == TOA_OFF     ? ENTRY_TOA_OFF
									    : 0;
}

/* Half-open sessions are giving way to this one. */
static __always_inline int is_opening_full(const struct settings *set)
{
	struct sweep *all = get_sweep();

	return all && all->stats.opening >= set->opening_max;
}

/* Reserves a local port and fills the slot; VERDICT_PASS when only begin_session() is left. */
static __noinline enum verdict prepare_session(struct packet *p, const struct listener *listener,
					       __u32 backend_index, __u32 slot_index)
{
	struct opening o = {
		.search = { .p = p, .scratch = get_scratch() },
		.listener = listener,
		.slot = get_slot(slot_index),
		.backend_index = backend_index,
		.slot_index = slot_index,
	};
	struct pool *pool = bpf_map_lookup_elem(&pools, &listener->pool);
	struct backend *backend = bpf_map_lookup_elem(&backends, &backend_index);

	if (!o.slot || !o.search.scratch || !pool || !backend)
		return VERDICT_DROP_INTERNAL;
	o.backend = *backend;
	fill_back_entry(&o);
	if (reserve_local(&o, pool)) {
		return_slot(slot_index);
		report(p, EVENT_NO_LOCAL_PORT, listener->index, backend_index,
		       o.search.scratch->choice.pair.local);
		return VERDICT_RESET_NO_LOCAL_PORT;
	}
	fill_slot(&o);
	fill_front_entry(&o);
	return VERDICT_PASS;
}

static __always_inline void count_connection(__u32 listener, __u32 backend)
{
	struct traffic *of_listener = listener_counters(listener);
	struct traffic *of_backend = backend_counters(backend);

	if (of_listener)
		of_listener->connections += 1;
	if (of_backend)
		of_backend->connections += 1;
}

/* A slot for the SYN at hand, or NO_SLOT; either way people hear when others gave way. */
static __always_inline __u32 take_place(const struct packet *p, const struct listener *listener)
{
	struct settings *set = get_settings();
	__u32 index;

	if (!set)
		return NO_SLOT;
	if (is_opening_full(set))
		report(p, EVENT_OPENING_LIMIT, listener->index, 0, 0);
	index = take_slot(set, p->now);
	if (index == NO_SLOT)
		report(p, EVENT_TABLE_FULL, listener->index, 0, 0);
	return index;
}

/*
 * Opens a session for an admitted SYN to `listener`; VERDICT_PASS when it exists
 * afterwards. The steps are calls side by side, since their stacks would not fit nested.
 */
static __always_inline enum verdict open_session(struct packet *p, const struct listener *listener)
{
	__u32 backend_index = 0, slot_index;
	enum verdict verdict = choose_backend(p, listener, &backend_index);
	struct session_slot *slot;
	struct scratch *scratch;
	int error;

	if (verdict != VERDICT_PASS)
		return verdict;
	slot_index = take_place(p, listener);
	if (slot_index == NO_SLOT)
		return VERDICT_RESET_TABLE_FULL;
	verdict = prepare_session(p, listener, backend_index, slot_index);
	scratch = get_scratch();
	if (scratch)
		end_taken(&scratch->choice);
	if (verdict != VERDICT_PASS)
		return verdict;
	slot = get_slot(slot_index);
	if (!slot || !scratch)
		return VERDICT_DROP_INTERNAL;
	error = begin_session(slot, slot_index, &scratch->entry, p->now);
	if (error == -E2BIG)
		return VERDICT_RESET_TABLE_FULL;
	if (error) /* the same SYN on another CPU; the client's next one finds its session */
		return VERDICT_DROP_RACE;
	count_connection(listener->index, backend_index);
	await_answer(slot);
	return VERDICT_PASS;
}

#endif
