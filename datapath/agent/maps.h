/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* maps.h: whom the agent trusts, which servers it guards, and what it counts. */
#ifndef FULLNAT_AGENT_MAPS_H
#define FULLNAT_AGENT_MAPS_H

#include "../lib/session.h"

/* Every max_entries below is a default; user space sets its own before loading. */

/* The servers behind the interface; everything else passes untouched. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct endpoint4);
	__type(value, struct server);
} servers SEC(".maps");

/* Addresses of balancers whose TOA is believed. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, __u32);
} trusted_locals SEC(".maps");

/* Statistics only, so the least recently seen clients may be forgotten. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct collision_key);
	__type(value, struct collision_count);
} collisions SEC(".maps");

/* 1: socket mode of the same instance has taken over; see is_left_to_socket_mode(). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} taken_over SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct traffic);
} backend_traffic SEC(".maps");

static __noinline void counts_changed(struct session_slot *slot, int live, int opening)
{
}

static __always_inline struct server *find_server(__be32 addr, __be16 port)
{
	struct endpoint4 key = { .addr = addr, .port = port, .protocol = IPPROTO_TCP };

	return bpf_map_lookup_elem(&servers, &key);
}

static __always_inline int is_trusted(__be32 addr)
{
	struct prefix4 key = { .bits = 32, .addr = addr };

	return bpf_map_lookup_elem(&trusted_locals, &key) != 0;
}

/* What is in the table goes on; what is new from a local is for socket mode to see,
 * its TOA untouched. Direct connections still keep clear of restored ones. */
static __always_inline int is_left_to_socket_mode(__be32 peer)
{
	__u32 zero = 0;
	__u32 *taken = bpf_map_lookup_elem(&taken_over, &zero);

	return taken && *taken && is_trusted(peer);
}

static __always_inline void count_packet(const struct packet *p, const struct session_entry *entry)
{
	__u32 backend = entry->backend;
	struct traffic *counters = bpf_map_lookup_elem(&backend_traffic, &backend);

	if (!counters)
		return;
	if (entry->flags & ENTRY_BACK) {
		counters->packets_out += 1;
		counters->bytes_out += p->ip_bytes;
	} else {
		counters->packets_in += 1;
		counters->bytes_in += p->ip_bytes;
	}
}

#endif
