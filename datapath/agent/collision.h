/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* collision.h: two connections want one tuple on the server: what is done, and told. */
#ifndef FULLNAT_AGENT_COLLISION_H
#define FULLNAT_AGENT_COLLISION_H

#include "open.h"

/* Fills in who has the tuple now, before anything is changed. */
static __always_inline void describe_owner(struct event *e, const struct flow4 *visible, __u32 now)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, visible);
	struct session_slot *slot = entry ? get_slot(entry->slot) : 0;

	if (!slot)
		return;
	e->owner = slot->front;
	e->owner_age = now - slot->created;
	e->owner_state = STATE_OF(slot->word);
	e->owner_kind = slot->kind;
}

static __always_inline void count_collision(__be32 client, __u32 backend, __u32 action)
{
	struct collision_key key = { .client_addr = client, .backend = backend };
	struct collision_count *count = bpf_map_lookup_elem(&collisions, &key);

	if (!count) {
		static const struct collision_count none;

		bpf_map_update_elem(&collisions, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&collisions, &key);
	}
	if (!count)
		return;
	if (action == ACTION_REMAPPED)
		__sync_fetch_and_add(&count->remapped, 1);
	else if (action == ACTION_KEPT_LOCAL)
		__sync_fetch_and_add(&count->kept_local, 1);
	else
		__sync_fetch_and_add(&count->dropped, 1);
}

/* The event, the counters and the note of one collision. */
static __noinline void report_collision(const struct newcomer *n, const struct flow4 *wanted,
					__u32 action)
{
	struct scratch *all = get_scratch();
	struct event *e;

	if (!all)
		return;
	e = &all->event;
	*e = (struct event){
		.type = EVENT_COLLISION,
		.backend = n->server->backend,
		.subject = n->front,
		.visible = *wanted,
		.visible_port = action == ACTION_DROPPED ? 0 : n->back.destination_port,
		.action = action,
		.subject_kind = n->kind,
	};

	describe_owner(e, wanted, n->p->now);
	send_event(e);
	count_collision(wanted->destination_addr, n->server->backend, action);
	count_note(action == ACTION_REMAPPED     ? NOTE_COLLISION_REMAPPED
		   : action == ACTION_KEPT_LOCAL ? NOTE_COLLISION_LOCAL
						 : NOTE_COLLISION_DROPPED);
}

/* The newcomer stays what the balancer made it: local -> server, nobody else's tuple. */
static __always_inline enum verdict keep_local(struct newcomer *n, const struct flow4 *wanted)
{
	n->kind = SESSION_KEPT;
	n->local = NO_LOCAL;
	n->back.destination_addr = n->front.source_addr;
	n->back.destination_port = n->front.source_port;
	if (reserve_own(n))
		return VERDICT_DROP_RACE;
	report_collision(n, wanted, ACTION_KEPT_LOCAL);
	return VERDICT_PASS;
}

/*
 * Finds the newcomer another tuple, by policy; VERDICT_PASS when it has one
 * reserved. When the remap range is used up a balanced connection keeps its local:
 * it works, and the server sees the balancer. A direct one has no local to keep.
 */
static __always_inline enum verdict resolve_collision(struct newcomer *n)
{
	struct flow4 *wanted = &n->scratch->wanted;
	__u32 policy = n->server->on_collision;

	*wanted = n->back;
	if (policy == ON_COLLISION_REMAP ||
	    (policy == ON_COLLISION_LOCAL && n->kind == SESSION_DIRECT)) {
		if (reserve_remapped(n) == 0) {
			report_collision(n, wanted, ACTION_REMAPPED);
			return VERDICT_PASS;
		}
		count_note(NOTE_REMAP_EXHAUSTED);
	}
	if (policy != ON_COLLISION_DROP && n->kind == SESSION_RESTORED)
		return keep_local(n, wanted);
	report_collision(n, wanted, ACTION_DROPPED);
	return policy == ON_COLLISION_DROP ? VERDICT_DROP_COLLISION : VERDICT_DROP_REMAP_EXHAUSTED;
}

#endif
