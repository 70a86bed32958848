/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * session.h: the session table: where sessions live, and how one begins and ends.
 *
 *   sessions       hash   tuple as received -> how the packet leaves (two a session)
 *   session_slots  array  one cache line a session: its life, and its two keys
 *   free_slots     stack  slots that ended; those above high_water were never used
 *   numbers        array  by how much a session's SEQ and TSval are moved (shift.h)
 *
 * The entry of the server's side is written first, with BPF_NOEXIST: that is the
 * reservation of its tuple. The client's side follows; if that fails the first is
 * undone. So both exist or neither. Nothing here is an LRU map.
 */
#ifndef FULLNAT_SESSION_H
#define FULLNAT_SESSION_H

#include "packet.h"
#include "verdict.h"

#define SESSIONS_DEFAULT 262144 /* user space sets its own before loading */
#define EVICTION_PROBES 16      /* slots looked at for a half-open session to give way */
#define CLOSED_BY_BOTH (CLOSED_BY_FRONT | CLOSED_BY_BACK)
#define SWAP_TRIES 4 /* two directions can race for a state; more never happens */

struct sweep {
	struct bpf_timer timer;
	struct sweep_stats stats;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * SESSIONS_DEFAULT);
	__type(key, struct flow4);
	__type(value, struct session_entry);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SESSIONS_DEFAULT);
	__type(key, __u32);
	__type(value, struct session_slot);
} session_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, SESSIONS_DEFAULT);
	__uint(value_size, sizeof(__u32));
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sweep);
} sweep SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct local_pair);
	__type(value, struct local_ports);
} local_ports SEC(".maps");

/* Read for shifted sessions and written when one closes; apart, so that slots stay one line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SESSIONS_DEFAULT);
	__type(key, __u32);
	__type(value, struct numbers);
} numbers SEC(".maps");

/* What each program counts when a session starts or stops being live, or half open: +1 or -1. */
static __noinline void counts_changed(struct session_slot *slot, int live, int opening);

static __always_inline struct settings *get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline struct sweep *get_sweep(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sweep, &zero);
}

static __always_inline int is_live(__u32 state)
{
	return state == STATE_OPENING || state == STATE_ESTABLISHED || state == STATE_CLOSING;
}

static __always_inline int is_resting(__u32 state)
{
	return state == STATE_TIME_WAIT || state == STATE_RESET;
}

/* Counts sessions of the table and ports of the slot's pair: more, or less. */
static __always_inline void count_places(const struct session_slot *slot, int live, int resting)
{
	struct local_pair pair = { .local = slot->local, .backend = slot->backend };
	struct local_ports *ports;
	struct sweep *all = get_sweep();

	if (all) {
		__sync_fetch_and_add(&all->stats.live, live);
		__sync_fetch_and_add(&all->stats.resting, resting);
	}
	ports = bpf_map_lookup_elem(&local_ports, &pair);
	if (ports) {
		__sync_fetch_and_add(&ports->in_use, live);
		__sync_fetch_and_add(&ports->resting, resting);
	}
}

/* Keeps every count of live and resting sessions in step with one change of state. */
static __always_inline void account(struct session_slot *slot, __u32 from, __u32 to)
{
	struct sweep *all = get_sweep();
	int live = is_live(to) - is_live(from);
	int resting = is_resting(to) - is_resting(from);
	int opening = (to == STATE_OPENING) - (from == STATE_OPENING);

	if (all && opening)
		__sync_fetch_and_add(&all->stats.opening, opening);
	if (live || opening)
		counts_changed(slot, live, opening);
	if (live || resting)
		count_places(slot, live, resting);
}

/* Sets state and FIN bits if nobody else did first; 1 when this call did it. */
static __always_inline int swap_word(struct session_slot *slot, __u32 from, __u32 to)
{
	if (__sync_val_compare_and_swap(&slot->word, from, to) != from)
		return 0;
	if (STATE_OF(from) != STATE_OF(to))
		account(slot, STATE_OF(from), STATE_OF(to));
	return 1;
}

/*
 * Claims a session that rests, as swap_word() would; 1 when this call did it. Only what
 * can change is counted: the stack of a SYN has no room for the rest.
 */
static __always_inline int claim_resting(struct session_slot *slot, __u32 word)
{
	if (!is_resting(STATE_OF(word)) ||
	    __sync_val_compare_and_swap(&slot->word, word, STATE_DEAD) != word)
		return 0;
	count_places(slot, 0, -1);
	return 1;
}

static __always_inline struct session_slot *get_slot(__u32 index)
{
	return bpf_map_lookup_elem(&session_slots, &index);
}

static __always_inline int same_flow(const struct flow4 *a, const struct flow4 *b)
{
	const __u64 *left = (const __u64 *)a, *right = (const __u64 *)b;

	return left[0] == right[0] && left[1] == right[1];
}

/* Notes that the session is alive; the slot is written once a second at most. */
static __always_inline void touch(struct session_entry *entry, struct session_slot *slot, __u32 now)
{
	entry->seen = now;
	slot->seen = now;
}

/* Removes one direction, but only if it still belongs to this slot: a resting
 * session's client side may have been handed to a new one. */
static __always_inline void delete_entry(const struct flow4 *key, __u32 index)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, key);

	if (entry && entry->slot == index)
		bpf_map_delete_elem(&sessions, key);
}

/* Gives the slot of a session that has no entries any more to the next one. */
static __always_inline void free_slot(struct session_slot *slot, __u32 index)
{
	__sync_lock_test_and_set(&slot->word, STATE_FREE);
	bpf_map_push_elem(&free_slots, &index, 0);
}

/* Ends a session whose word the caller has swapped to STATE_DEAD. */
static __always_inline void bury(struct session_slot *slot, __u32 index)
{
	delete_entry(&slot->front, index);
	delete_entry(&slot->back, index);
	free_slot(slot, index);
}

static __always_inline int gives_way(__u32 word, int resting)
{
	return resting ? is_resting(STATE_OF(word)) : STATE_OF(word) == STATE_OPENING;
}

/*
 * Makes the oldest half-open session, or the longest resting one, among a few random
 * ones give way. When the table is full of them few probes are enough; when it is
 * not there is nothing to evict. Returns 1 when a slot became free.
 */
static __noinline int evict(struct sweep *all, __u32 now, int resting)
{
	__u32 high_water = all->stats.high_water;
	__u32 oldest = NO_SLOT, oldest_age = 0;
	struct session_slot *slot;
	__u32 word, age;

	if (!high_water)
		return 0;
	for (int i = 0; i < EVICTION_PROBES; i++) {
		__u32 index = bpf_get_prandom_u32() % high_water;

		slot = get_slot(index);
		if (!slot || !gives_way(slot->word, resting))
			continue;
		age = now - (resting ? slot->seen : slot->created);
		if (oldest == NO_SLOT || age >= oldest_age) {
			oldest = index;
			oldest_age = age;
		}
	}
	if (oldest == NO_SLOT)
		return 0;
	slot = get_slot(oldest);
	if (!slot)
		return 0;
	word = slot->word;
	if (!gives_way(word, resting) || !swap_word(slot, word, STATE_DEAD))
		return 0;
	bury(slot, oldest);
	__sync_fetch_and_add(&all->stats.evicted, 1);
	count_note(resting ? NOTE_RESTING_EVICTED : NOTE_OPENING_EVICTED);
	return 1;
}

static __always_inline __u32 take_unused_slot(struct sweep *all, __u32 capacity)
{
	__u32 index;

	if (bpf_map_pop_elem(&free_slots, &index) == 0)
		return index;
	if (all->stats.high_water >= capacity)
		return NO_SLOT;
	index = __sync_fetch_and_add(&all->stats.high_water, 1);
	if (index < capacity)
		return index;
	__sync_fetch_and_add(&all->stats.high_water, -1);
	return NO_SLOT;
}

/* A slot for a new session, or NO_SLOT when the table is full of better ones. */
static __noinline __u32 take_slot(const struct settings *set, __u32 now)
{
	struct sweep *all = get_sweep();
	__u32 index;

	if (!all)
		return NO_SLOT;
	/* A soft limit: when the probes find nothing to evict, the table is the limit. */
	if (all->stats.opening >= set->opening_max)
		evict(all, now, 0);
	index = take_unused_slot(all, set->session_capacity);
	if (index == NO_SLOT && (evict(all, now, 0) || evict(all, now, 1)))
		index = take_unused_slot(all, set->session_capacity);
	return index;
}

/* Gives back a slot that never became a session. */
static __always_inline void return_slot(__u32 index)
{
	bpf_map_push_elem(&free_slots, &index, 0);
}

/*
 * Makes a reserved server side a session: fills the slot, then adds the client's
 * side. Returns 0; -EEXIST when another CPU opened the same session first; all is
 * undone on failure. slot->back must be the reserved key, slot->word free.
 */
static __always_inline int begin_session(struct session_slot *slot, __u32 index,
					 const struct session_entry *front_entry, __u32 now)
{
	int error;

	slot->seen = now;
	slot->created = now;
	error = bpf_map_update_elem(&sessions, &slot->front, front_entry, BPF_NOEXIST);
	if (error) {
		bpf_map_delete_elem(&sessions, &slot->back);
		return_slot(index);
		return error;
	}
	/* counted before anyone else can end it, and count that */
	account(slot, STATE_FREE, STATE_OPENING);
	__sync_lock_test_and_set(&slot->word, STATE_OPENING);
	return 0;
}

#endif
