/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * reserve.h: finds a port that is free towards one server, and reserves it by
 * writing the server's side of the session: BPF_NOEXIST makes the hash table the
 * judge. When only resting ports are left the one that was released first is taken
 * over, with the numbers shifted so that the server accepts it (shift.h); when not even
 * that, the oldest half-open session gives way, so that a flood cannot keep a small range
 * to itself. Established ones never do. The work per SYN is bounded; how often it was in
 * vain is counted.
 */
#ifndef FULLNAT_RESERVE_H
#define FULLNAT_RESERVE_H

#include "ports.h"
#include "scratch.h"
#include "shift.h"
#include "states.h"

#define PORT_STEPS 256 /* positions of the permutation looked at */
#define PORT_TRIES 64  /* of them inside the range, each a try to reserve */
#define FREE_TRIES 8   /* of these, for a free port when a resting one is at hand */
#define YOUNG_TRIES 16 /* and when that has not rested long */

/* Both ends have seen the last packet by then, or one of them would have sent it again
 * (RFC 6298 section 2.4: a second); and most likely so when it was lost three times. As long
 * has a half-open session that the client's next SYN should have moved on. */
#define REST_TICKS 954
#define LONG_REST_TICKS (8 * REST_TICKS)

/* Two CPUs can want the same resting port; who comes second looks for another. */
#define TAKE_OVER_ROUNDS 4

#define E2BIG 7
#define EAGAIN 11
#define EEXIST 17

/* By bit length of the candidates looked at, less one. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} port_probes SEC(".maps");

struct port_search {
	struct packet *p;
	struct scratch *scratch;   /* `choice`; `entry` is written under the tuple found */
	struct local_ports *ports; /* of the range that is searched */
};

/*
 * True when a session has ended for both sides: after two FINs, or one and a RST. A
 * RST alone can be forged, and leaves a connection behind that lives.
 */
static __always_inline int is_reusable(__u32 word, const struct session_slot *slot)
{
	return is_resting(STATE_OF(word)) && (word & CLOSED_BY_BOTH) && (slot->flags & SLOT_ENDED);
}

/*
 * Remembers the session that has the tuple, if it gives it away, and none before it would
 * rather: those that rest before those that are half open, and the oldest first.
 */
static __always_inline void consider_owner(struct port_search *s)
{
	struct port_choice *c = &s->scratch->choice;
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, &c->tuple);
	struct session_slot *slot = entry ? get_slot(entry->slot) : 0;
	__u32 age, half_open;

	if (!slot)
		return;
	half_open = STATE_OF(slot->word) == STATE_OPENING;
	if (!half_open && !is_reusable(slot->word, slot))
		return;
	age = s->p->now - (half_open ? slot->created : slot->seen);
	if ((__s32)age < REST_TICKS)
		return;
	if (c->given_slot != NO_SLOT && half_open >= c->half_open &&
	    (half_open != c->half_open || age <= c->given_age))
		return;
	if (half_open != c->half_open)
		c->free_tries = 0;
	c->given_slot = entry->slot;
	c->given_age = age;
	c->half_open = half_open;
}

static __always_inline int is_enough(const struct port_choice *c)
{
	if (c->half_open)
		return c->tries >= PORT_TRIES || c->free_tries >= PORT_TRIES;
	return c->tries >= PORT_TRIES || c->free_tries >= YOUNG_TRIES ||
	       (c->free_tries >= FREE_TRIES && c->given_age >= LONG_REST_TICKS);
}

/*
 * The next position of the permutation. With a port at hand the search only looks
 * ahead: what it passes is the next SYN's to take, not a circle later.
 */
static __always_inline __u32 next_index(struct port_search *s)
{
	struct port_choice *c = &s->scratch->choice;

	if (c->given_slot == NO_SLOT)
		c->index = __sync_fetch_and_add(&s->ports->cursor, 1);
	else
		c->index += 1;
	return c->index;
}

static int try_port(__u32 step, struct port_search *s)
{
	struct port_choice *c = &s->scratch->choice;
	__u32 index = next_index(s);
	__u32 offset = permute(index, c->bits, c->secret, c->tweak);

	if (offset >= c->count)
		return 0;
	c->tuple.destination_port = bpf_htons(c->low + offset);
	c->result = bpf_map_update_elem(&sessions, &c->tuple, &s->scratch->entry, BPF_NOEXIST);
	c->tries += 1;
	if (c->result == 0 || c->result == -E2BIG)
		return 1;
	consider_owner(s);
	if (c->given_slot != NO_SLOT)
		c->free_tries += 1;
	return is_enough(c);
}

static __always_inline struct local_ports *get_local_ports(const struct local_pair *pair)
{
	struct local_ports *ports = bpf_map_lookup_elem(&local_ports, pair);
	struct scratch *all;

	if (ports)
		return ports;
	all = get_scratch();
	if (!all)
		return 0;
	all->ports = (struct local_ports){ .cursor = bpf_get_prandom_u32() };
	bpf_map_update_elem(&local_ports, pair, &all->ports, BPF_NOEXIST);
	return bpf_map_lookup_elem(&local_ports, pair);
}

static __always_inline void count_probes(struct port_choice *c)
{
	__u64 *count;

	if (!c->tries)
		return;
	c->bucket = bit_length(c->tries - 1);
	count = bpf_map_lookup_elem(&port_probes, &c->bucket);
	if (count)
		*count += 1;
}

/* False when every port is a live session's, and none of those gives way. */
static __always_inline int is_worth_a_search(const struct port_search *s)
{
	const struct port_choice *c = &s->scratch->choice;
	struct sweep *all = get_sweep();

	return c->many_peers || s->ports->in_use < c->count || (all && all->stats.opening);
}

/* Returns 0 with choice.tuple reserved, or a negative error. */
static __always_inline int search_port(struct port_search *s)
{
	struct port_choice *c = &s->scratch->choice;

	s->ports = get_local_ports(&c->pair);
	if (!s->ports)
		return -E2BIG;
	c->bits = permutation_bits(c->count);
	c->tweak = c->pair.local << 16 ^ c->pair.backend; /* every pair has an order of its own */
	c->index = s->ports->cursor - 1;
	c->result = -EEXIST;
	c->tries = 0;
	if (is_worth_a_search(s))
		bpf_loop(PORT_STEPS, try_port, s, 0);
	__sync_fetch_and_add(&s->ports->probes, c->tries);
	count_probes(c);
	if (!c->result)
		__sync_fetch_and_add(&s->ports->allocated, 1);
	else if (c->given_slot == NO_SLOT)
		__sync_fetch_and_add(&s->ports->failed, 1);
	return c->result;
}

/* Forgets what an earlier round found. */
static __always_inline void start_round(struct port_choice *c)
{
	c->given_slot = NO_SLOT;
	c->half_open = 0;
	c->before = 0;
	c->free_tries = 0;
	c->result = -EEXIST;
}

/*
 * Claims the session that gives its tuple away; 1 when this call did it. A half-open one is
 * counted by end_taken().
 */
static __always_inline int claim_given(struct session_slot *slot, __u32 word, __u32 half_open)
{
	if (!half_open)
		return is_reusable(word, slot) && claim_resting(slot, word);
	return STATE_OF(word) == STATE_OPENING &&
	       __sync_val_compare_and_swap(&slot->word, word, STATE_DEAD) == word;
}

/* The slot had become another session's, of another server. */
static __always_inline void unclaim(struct session_slot *slot, __u32 index, __u32 word)
{
	if (STATE_OF(word) == STATE_OPENING)
		__sync_lock_test_and_set(&slot->word, word);
	else
		bury(slot, index);
}

/* Ends the half-open session whose tuple was taken: later, where the stack has room for it. */
static __noinline void end_taken(struct port_choice *c)
{
	__u32 index = c->taken - 1;
	struct session_slot *slot = c->taken ? get_slot(index) : 0;

	c->taken = 0;
	if (!slot)
		return;
	account(slot, STATE_OPENING, STATE_DEAD);
	free_slot(slot, index);
}

/*
 * When no port was free: ends the session that gives its own away soonest, and takes its
 * tuple. Returns 0 with choice.tuple reserved, slot->local and slot->backend said by
 * choice.pair; the entry has ENTRY_SHIFTED when the numbers have to be moved. -EAGAIN
 * when it is another's by now.
 */
static __noinline int take_over(struct port_search *s)
{
	struct port_choice *c = &s->scratch->choice;
	__u32 index = c->given_slot, own_index = s->scratch->entry.slot, word;
	struct numbers *old = bpf_map_lookup_elem(&numbers, &index);
	struct numbers *own = bpf_map_lookup_elem(&numbers, &own_index);
	struct session_slot *slot = get_slot(index);
	int error;

	if (!slot || !old || !own)
		return -E2BIG;
	word = slot->word;
	if (!claim_given(slot, word, c->half_open))
		return -EAGAIN;
	if (slot->back.source_addr != c->tuple.source_addr ||
	    slot->back.source_port != c->tuple.source_port) {
		unclaim(slot, index, word);
		return -EAGAIN;
	}
	c->before = c->half_open ? slot->flags & (SLOT_BEFORE | SLOT_BEFORE_TIMED)
				 : numbers_before(slot);
	own->last = old->last;
	if (c->before)
		own->shift = shift_beyond(s->p, &old->last, c->before & SLOT_BEFORE_TIMED,
					  mix(s->p->sequence ^ (__u32)c->secret[0]));
	if (c->before && (own->shift.sequence || own->shift.time))
		s->scratch->entry.flags |= ENTRY_SHIFTED;
	c->tuple = slot->back;
	c->pair.local = slot->local;
	/* the tuple passes from owner to owner: free in between, another CPU would take it unshifted */
	delete_entry(&slot->front, index);
	error = bpf_map_update_elem(&sessions, &c->tuple, &s->scratch->entry, BPF_EXIST);
	if (c->half_open)
		c->taken = index + 1;
	else
		free_slot(slot, index);
	if (error)
		return error;
	s->ports = bpf_map_lookup_elem(&local_ports, &c->pair);
	if (s->ports) {
		__sync_fetch_and_add(&s->ports->allocated, 1);
		__sync_fetch_and_add(&s->ports->reused, !c->half_open);
	}
	count_note(c->half_open ? NOTE_OPENING_TAKEN : NOTE_REUSED);
	return 0;
}

#endif
