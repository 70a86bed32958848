/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * next_hops.h: where a session's packets go, without asking the kernel for each of them:
 * a question to the FIB costs more than all the rest of a packet's way.
 *
 * A session remembers which next hop it was told (struct hop_use), for a second. So that a
 * change is obeyed sooner than that, a next hop is asked for again a few times in a second,
 * by one of the packets that take it; when the answer is another one, `generation` moves
 * on, and every session asks again. Addresses, ports and ToS of a question are the session's
 * own: rules and several paths by any of them are followed.
 *
 *    session_entry.hop ──▶ next_hops ──▶ interface, link addresses, MTU
 */
#ifndef FULLNAT_BALANCER_NEXT_HOPS_H
#define FULLNAT_BALANCER_NEXT_HOPS_H

#include "../lib/route.h"

#define NEXT_HOPS_MAX 4096 /* a power of two; one that finds no place is asked for every time */
#define NEXT_HOP_PROBES 8
#define NEXT_HOP_CHECK_TICKS 64 /* 67 ms */
#define PERIOD_SHIFT 10         /* ticks of a period: 1.07 s */
#define ECN_BITS 0x3
#define HASH_MULTIPLIER 2654435761u /* 2^32 over the golden ratio (Knuth, TAOCP 6.4) */

enum next_hop_state { HOP_UNUSED = 0, HOP_CLAIMED = 1, HOP_READY = 2 };

/* Does not change once it is ready, but for `checked`: sessions may remember it for long. */
struct next_hop {
	__u32 state;
	__u32 checked; /* ticks; when the kernel last said the same */
	__u32 ifindex;
	__u32 mtu;
	struct link_addresses link;
	__u32 pad;
};

/* Place 0 is never used. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NEXT_HOPS_MAX);
	__type(key, __u32);
	__type(value, struct next_hop);
} next_hops SEC(".maps");

/* Moves on when the kernel changes its mind. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_hop_generation SEC(".maps");

static __always_inline __u32 *get_generation(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&next_hop_generation, &zero);
}

static __always_inline struct next_hop *get_next_hop(__u32 index)
{
	return index ? bpf_map_lookup_elem(&next_hops, &index) : 0;
}

static __always_inline int is_same_hop(const struct next_hop *hop, const struct route *r)
{
	const __u32 *ours = hop->link.words, *theirs = r->link.words;

	return hop->state == HOP_READY && hop->ifindex == r->ifindex && hop->mtu == r->mtu &&
	       ours[0] == theirs[0] && ours[1] == theirs[1] && ours[2] == theirs[2];
}

/* What the session was told and may still believe; 0: the kernel has to be asked. */
static __always_inline struct next_hop *believed_hop(const struct packet *p,
						     const struct hop_use *use)
{
	struct next_hop *hop = get_next_hop(use->index);
	__u32 *generation = get_generation();

	if (!hop || !generation || use->generation != (__u16)*generation ||
	    use->period != (__u8)(p->now >> PERIOD_SHIFT) || use->tos != (p->tos & ~ECN_BITS) ||
	    p->now - hop->checked >= NEXT_HOP_CHECK_TICKS || segment_bytes(p) > hop->mtu)
		return 0;
	return hop;
}

static __always_inline __u32 hash_hop(const struct route *r)
{
	const __u32 *word = r->link.words;

	return (word[0] ^ word[1] * 31 ^ word[2] * 961 ^ r->ifindex ^ r->mtu) * HASH_MULTIPLIER;
}

/* The place of a next hop, which may be a new one; 0 when there is none. */
static __always_inline __u32 place_hop(const struct route *r, __u32 now)
{
	__u32 hash = hash_hop(r) >> 16;

	for (int i = 0; i < NEXT_HOP_PROBES; i++) {
		__u32 index = (hash + i) & (NEXT_HOPS_MAX - 1);
		struct next_hop *hop = get_next_hop(index);

		if (!hop)
			continue;
		if (is_same_hop(hop, r))
			return index;
		if (hop->state != HOP_UNUSED ||
		    __sync_val_compare_and_swap(&hop->state, HOP_UNUSED, HOP_CLAIMED) != HOP_UNUSED)
			continue;
		hop->checked = now;
		hop->ifindex = r->ifindex;
		hop->mtu = r->mtu;
		hop->link = r->link;
		__sync_lock_test_and_set(&hop->state, HOP_READY);
		return index;
	}
	return 0;
}

/* Every session asks again: the kernel says something else than it said to this one. */
static __always_inline void retract_hop(struct hop_use *use, __u32 *generation)
{
	if (use->index && use->generation == (__u16)*generation)
		__sync_fetch_and_add(generation, 1);
	use->index = 0;
}

/* Asks the kernel, and remembers what it says. */
static __noinline enum verdict ask_next_hop(struct packet *p, struct session_entry *entry,
					    struct route *r)
{
	enum verdict verdict = find_route(p, entry, r);
	__u32 *generation = get_generation();
	struct hop_use *use = &entry->hop;
	struct next_hop *hop = get_next_hop(use->index);

	if (!generation)
		return verdict;
	if (verdict == VERDICT_DROP_TOO_BIG) /* what is smaller goes on as before */
		return verdict;
	if (verdict != VERDICT_PASS || !r->is_resolved) {
		retract_hop(use, generation);
		return verdict;
	}
	if (!hop || !is_same_hop(hop, r)) {
		retract_hop(use, generation);
		use->index = place_hop(r, p->now);
		hop = get_next_hop(use->index);
	}
	if (hop)
		hop->checked = p->now;
	use->generation = *generation;
	use->period = p->now >> PERIOD_SHIFT;
	use->tos = p->tos & ~ECN_BITS;
	return verdict;
}

/* The next hop of a packet that leaves as `entry` says; VERDICT_PASS means there is one. */
static __always_inline enum verdict find_next_hop(struct packet *p, struct session_entry *entry,
						  struct route *r)
{
	struct next_hop *hop = believed_hop(p, &entry->hop);

	if (!hop)
		return ask_next_hop(p, entry, r);
	r->ifindex = hop->ifindex;
	r->mtu = hop->mtu;
	r->is_resolved = 1;
	r->is_asked = 0;
	r->link = hop->link;
	return VERDICT_PASS;
}

#endif
