/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * clients.h: what each client of a listener has open, in a table of fixed size.
 *
 * A client has one of the eight seats of one set; a keyed hash says which set. A seat
 * with sessions is its client's until they have ended; the others go to whoever comes,
 * the one first whose bucket is the fullest. So a flood from random addresses turns over
 * seats that held nothing, and those who keep many sessions or ask all the time stay
 * known. Where all eight have sessions, a client has no seat and no limits: it is counted.
 */
#ifndef FULLNAT_BALANCER_CLIENTS_H
#define FULLNAT_BALANCER_CLIENTS_H

#include "../lib/ports.h"
#include "maps.h"

#define SEAT_TRIES 4 /* CPUs that change the same word at the same moment */
#define SEAT_SESSIONS 0x10000ull
#define SEAT_OPENING 0x1ull
#define SEAT_COUNT_MAX 0xffffu

enum seating { SEAT_LOOK, SEAT_TAKE };

static __always_inline __u32 seat_sessions(__u64 word)
{
	return word >> 16 & SEAT_COUNT_MAX;
}

static __always_inline __u32 seat_opening(__u64 word)
{
	return word & SEAT_COUNT_MAX;
}

static __always_inline int has_sessions(__u64 word)
{
	return (__u32)word != 0;
}

static __always_inline struct admission *get_admission(__u32 listener)
{
	return bpf_map_lookup_elem(&admissions, &listener);
}

static __always_inline struct client_seat *get_seat(__u32 number)
{
	__u32 index = number / CLIENT_WAYS;
	struct client_set *set = bpf_map_lookup_elem(&client_seats, &index);

	return set ? &set->seats[number % CLIENT_WAYS] : 0;
}

/* A client to find; filled in by find_seat(). */
struct client_search {
	__be32 addr;
	__u32 listener, bits;
	__u32 number; /* of its seat */
	__u64 word;
};

/* The seat that can be given away with the least loss; null when each has sessions. */
static __always_inline struct client_seat *take_seat(struct client_set *set, __u32 mark, __u32 *way)
{
	struct client_seat *seat;
	__u64 word, fullest = ~0ull;

	for (__u32 i = 0; i < CLIENT_WAYS; i++) {
		if (has_sessions(set->seats[i].word) || set->seats[i].next_ns >= fullest)
			continue;
		fullest = set->seats[i].next_ns;
		*way = i;
	}
	if (fullest == ~0ull)
		return 0;
	seat = &set->seats[*way % CLIENT_WAYS];
	word = seat->word;
	if (has_sessions(word) ||
	    __sync_val_compare_and_swap(&seat->word, word, (__u64)mark << 32) != word)
		return 0;
	seat->next_ns = 0;
	return seat;
}

/* The client's seat, or null. Within one listener no two prefixes have the same mark. */
static __always_inline struct client_seat *find_seat(struct client_search *s, enum seating seating)
{
	struct settings *set = get_settings();
	__u32 index, mark, network, way = 0;
	struct client_set *seats;
	struct client_seat *seat;

	if (!set || !set->client_sets)
		return 0;
	network = s->addr & bpf_htonl(s->bits ? ~0u << (32 - s->bits) : 0);
	mark = mix(network ^ (__u32)set->secret[0]) ^
	       mix(s->listener ^ (__u32)(set->secret[0] >> 32));
	mark += !mark; /* 0 is a seat that was never taken */
	index = mix(mix(network ^ (__u32)set->secret[1]) ^ s->listener) % set->client_sets;
	seats = bpf_map_lookup_elem(&client_seats, &index);
	if (!seats)
		return 0;
	for (way = 0; way < CLIENT_WAYS; way++)
		if (seats->seats[way].word >> 32 == mark)
			break;
	seat = 0;
	if (way < CLIENT_WAYS)
		seat = &seats->seats[way];
	else if (seating == SEAT_TAKE)
		seat = take_seat(seats, mark, &way);
	if (!seat)
		return 0;
	s->number = index * CLIENT_WAYS + way % CLIENT_WAYS;
	s->word = (__u64)mark << 32;
	return seat;
}

/* Counts a session at its client's seat; 1 + the seat's number, or 0. */
static __always_inline __u32 sit_down(const struct session_slot *slot, __u64 more)
{
	struct client_search search = { .addr = slot->front.source_addr,
					.listener = slot->listener };
	struct admission *admission = get_admission(search.listener);
	struct client_seat *seat;
	__u64 word;

	if (!admission || !(admission->client_sessions_max || admission->client_opening_max))
		return 0;
	search.bits = admission->client_bits;
	seat = find_seat(&search, SEAT_TAKE);
	for (int i = 0; seat && i < SEAT_TRIES; i++) {
		word = seat->word;
		if (word >> 32 != search.word >> 32 || seat_sessions(word) == SEAT_COUNT_MAX)
			break;
		if (__sync_val_compare_and_swap(&seat->word, word, word + more) == word)
			return search.number + 1;
	}
	count_note(NOTE_CLIENT_UNSEATED);
	return 0;
}

/* Adds to what is counted at the seat that a slot holds; nothing where it holds none. */
static __always_inline void count_at(__u32 held, __u64 more)
{
	__u32 number = held & SEAT_NUMBER;
	struct client_seat *seat = number ? get_seat(number - 1) : 0;

	if (seat)
		__sync_fetch_and_add(&seat->word, more);
}

/* Gives back all that a slot held. */
static __always_inline void stand_up(__u32 held)
{
	count_at(held, -(SEAT_SESSIONS + (held & SEAT_HALF_OPEN ? SEAT_OPENING : 0)));
}

/* A live session is half open now, or is no longer. */
static __always_inline void change_half_open(struct session_slot *slot, int opening)
{
	__u32 held = slot->seat, next = held ^ SEAT_HALF_OPEN;
	int is_more = (next & SEAT_HALF_OPEN) != 0;

	if (!held || is_more != (opening > 0))
		return;
	if (is_more) /* first, so that nobody gives back what is not there yet */
		count_at(held, SEAT_OPENING);
	/* lost by who added, or won by who takes away: both have one to give back */
	if ((__sync_val_compare_and_swap(&slot->seat, held, next) == held) != is_more)
		count_at(held, -SEAT_OPENING);
}

/*
 * Keeps a session's client in step with its state. The slot says what it holds, and gives
 * that back whole, whoever comes first of two CPUs that move its state at one moment: what
 * is counted at a seat is always what slots hold there. A session that a RST of one side
 * and the packet that undoes it have crossed on may go on without being counted.
 */
static __always_inline void seat_changed(struct session_slot *slot, int live, int opening)
{
	__u32 held = 0;

	if (!live) {
		change_half_open(slot, opening);
		return;
	}
	if (live > 0)
		held = sit_down(slot, SEAT_SESSIONS + (opening > 0 ? SEAT_OPENING : 0));
	if (held && opening > 0)
		held |= SEAT_HALF_OPEN;
	stand_up(__sync_lock_test_and_set(&slot->seat, held));
}

static __noinline void counts_changed(struct session_slot *slot, int live, int opening)
{
	__u32 listener = slot->listener, backend = slot->backend;
	__u32 *of_listener = bpf_map_lookup_elem(&listener_live, &listener);
	__u32 *of_backend = bpf_map_lookup_elem(&backend_live, &backend);

	struct protection *protection = get_protection(listener);

	if (protection && opening)
		__sync_fetch_and_add(&protection->opening, opening);
	if (of_listener)
		__sync_fetch_and_add(of_listener, live);
	if (of_backend)
		__sync_fetch_and_add(of_backend, live);
	seat_changed(slot, live, opening);
}

#endif
