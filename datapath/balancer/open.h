/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* open.h: a SYN to a listener: a backend, a local port, a session. */
#ifndef FULLNAT_BALANCER_OPEN_H
#define FULLNAT_BALANCER_OPEN_H

#include "../lib/reserve.h"
#include "../lib/states.h"
#include "maps.h"

#define LOCAL_TRIES 8 /* locals asked before the SYN is refused */

/* Everything that is decided while a session is opened. */
struct opening {
	struct packet *p;
	const struct listener *listener;
	const struct settings *settings;
	struct session_slot *slot;
	struct backend backend;
	struct scratch *scratch; /* `entry`: first of the server's side, then of the client's */
	struct port_search search;
	__u32 backend_index, slot_index;
	__u32 locals_first, locals_count, local_start;
};

static __always_inline __u32 next_in_schedule(__u32 pool_index, const struct pool *pool,
					      const struct packet *p, const struct settings *set,
					      __u32 length)
{
	__u32 *cursor;

	if (pool->select == SELECT_SOURCE_HASH)
		return mix(p->flow.source_addr ^ (__u32)set->secret[0]) % length;
	cursor = bpf_map_lookup_elem(&schedule_cursor, &pool_index);
	if (!cursor)
		return 0;
	*cursor += 1;
	return *cursor % length;
}

/* Chooses the backend; 0 when there is one. */
static __always_inline int choose_backend(struct opening *o, const struct pool *pool)
{
	__u64 table = pool->table; /* read once: offset and length belong together */
	__u32 length = (__u32)table, position, *index;
	struct backend *backend;

	if (!length)
		return -1;
	position = (__u32)(table >> 32) +
		   next_in_schedule(o->listener->pool, pool, o->p, o->settings, length);
	index = bpf_map_lookup_elem(&schedule, &position);
	if (!index)
		return -1;
	o->backend_index = *index;
	backend = bpf_map_lookup_elem(&backends, &o->backend_index);
	if (!backend || !backend->used)
		return -1;
	o->backend = *backend;
	return 0;
}

/* One local of the pool, beginning with the client's own; 1 ends the search. */
static int try_local(__u32 step, struct opening *o)
{
	struct port_choice *choice = &o->scratch->choice;
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
	struct port_choice *choice = &o->scratch->choice;

	o->locals_first = pool->locals_first;
	o->locals_count = pool->locals_count;
	if (!o->locals_count)
		return -1;
	o->local_start = mix(o->p->flow.source_addr ^ (__u32)o->settings->secret[1]);
	*choice = (struct port_choice){
		.tuple = { .source_addr = o->backend.addr,
			   .source_port = o->backend.port,
			   .protocol = IPPROTO_TCP },
		.pair = { .backend = o->backend_index },
		.secret = { o->settings->secret[0], o->settings->secret[1] },
		.resting_slot = NO_SLOT,
		.result = -1,
	};
	o->search = (struct port_search){
		.p = o->p,
		.scratch = o->scratch,
	};
	bpf_loop(LOCAL_TRIES, try_local, o, 0);
	if (choice->result && (choice->resting_slot == NO_SLOT || take_over(&o->search)))
		return -1;
	o->slot->back = choice->tuple;
	return 0;
}

static __noinline void report(const struct opening *o, __u32 type)
{
	struct scratch *all = get_scratch();
	struct event *e;

	if (!all)
		return;
	e = &all->event;
	*e = (struct event){
		.type = type,
		.listener = o->listener->index,
		.backend = o->backend_index,
		.local = o->scratch->choice.pair.local,
		.subject = o->p->flow,
	};

	send_event_seldom(e, o->p->now);
}

static __always_inline void fill_slot(struct opening *o)
{
	struct session_slot *slot = o->slot;

	slot->front = o->p->flow;
	slot->front_isn = front_sequence(o->p, &o->scratch->entry);
	slot->back_isn = 0;
	slot->listener = o->listener->index;
	slot->backend = o->backend_index;
	slot->local = o->scratch->choice.pair.local;
	slot->kind = SESSION_BALANCED;
	slot->flags = o->scratch->entry.flags & ENTRY_SHIFTED ? SLOT_SHIFTED : 0;
}

static __always_inline int is_over_limit(const struct listener *listener)
{
	__u32 index = listener->index, *live;

	if (!listener->sessions_max)
		return 0;
	live = bpf_map_lookup_elem(&listener_live, &index);
	return live && *live >= listener->sessions_max;
}

/* What the server's packets will look like to the client, and whose they are. */
static __always_inline void fill_back_entry(struct opening *o)
{
	o->scratch->entry = (struct session_entry){
		.source_addr = o->p->flow.destination_addr,
		.source_port = o->p->flow.destination_port,
		.destination_addr = o->p->flow.source_addr,
		.destination_port = o->p->flow.source_port,
		.slot = o->slot_index,
		.seen = o->p->now,
		.listener = o->listener->index,
		.backend = o->backend_index,
		.flags = ENTRY_BACK,
	};
}

/* How the client's packets will leave: from the reserved local port; a shift is of both sides. */
static __always_inline void fill_front_entry(struct opening *o)
{
	o->scratch->entry.source_addr = o->slot->back.destination_addr;
	o->scratch->entry.source_port = o->slot->back.destination_port;
	o->scratch->entry.destination_addr = o->backend.addr;
	o->scratch->entry.destination_port = o->backend.port;
	o->scratch->entry.flags &= ENTRY_SHIFTED;
	o->scratch->entry.flags |= o->listener->toa == TOA_HANDSHAKE ? ENTRY_TOA_HANDSHAKE
				   : o->listener->toa == TOA_OFF     ? ENTRY_TOA_OFF
								     : 0;
}

/* Reserves everything a session needs; VERDICT_PASS when it exists afterwards. */
static __always_inline enum verdict create_session(struct opening *o, const struct pool *pool)
{
	struct traffic *of_listener, *of_backend;
	int error;

	o->slot_index = take_slot(o->settings, o->p->now);
	o->slot = o->slot_index == NO_SLOT ? 0 : get_slot(o->slot_index);
	if (!o->slot) {
		report(o, EVENT_TABLE_FULL);
		return VERDICT_RESET_TABLE_FULL;
	}
	fill_back_entry(o);
	if (reserve_local(o, pool)) {
		return_slot(o->slot_index);
		report(o, EVENT_NO_LOCAL_PORT);
		return VERDICT_RESET_NO_LOCAL_PORT;
	}
	fill_slot(o);
	fill_front_entry(o);
	error = begin_session(o->slot, o->slot_index, &o->scratch->entry, o->p->now);
	if (error == -E2BIG)
		return VERDICT_RESET_TABLE_FULL;
	if (error) /* the same SYN on another CPU; the client's next one finds its session */
		return VERDICT_DROP_RACE;
	of_listener = listener_counters(o->listener->index);
	of_backend = backend_counters(o->backend_index);
	if (of_listener)
		of_listener->connections += 1;
	if (of_backend)
		of_backend->connections += 1;
	return VERDICT_PASS;
}

/* Opens a session for a SYN to `listener`; VERDICT_PASS when it exists afterwards. */
static __always_inline enum verdict open_session(struct packet *p, const struct listener *listener)
{
	struct opening o = {
		.p = p, .listener = listener, .settings = get_settings(), .scratch = get_scratch()
	};
	struct pool *pool = bpf_map_lookup_elem(&pools, &listener->pool);

	if (!pool || !o.settings || !o.scratch)
		return VERDICT_DROP_INTERNAL;
	if (is_over_limit(listener))
		return VERDICT_RESET_LISTENER_LIMIT;
	if (choose_backend(&o, pool)) {
		report(&o, EVENT_NO_BACKEND);
		return VERDICT_RESET_NO_BACKEND;
	}
	return create_session(&o, pool);
}

#endif
