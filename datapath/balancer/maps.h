/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* maps.h: what the balancer is told by user space, and what it counts. */
#ifndef FULLNAT_BALANCER_MAPS_H
#define FULLNAT_BALANCER_MAPS_H

#include "../lib/session.h"

/* Every max_entries below is a default; user space sets its own before loading. */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct endpoint4);
	__type(value, struct listener);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct pool);
} pools SEC(".maps");

/* Backends in the order they are chosen, with weights; a pool owns one run of entries. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u32);
} schedule SEC(".maps");

/* Per CPU and pool: the next position in the pool's run. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} schedule_cursor SEC(".maps");

/*
 * Which backend a client comes back to. Least recently used ones make room: a flood of
 * new clients costs others their backend, and never a connection.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct sticky_key);
	__type(value, struct sticky);
} sticky_clients SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct local);
} locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __be32);
	__type(value, __u32);
} locals_by_addr SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct traffic);
} listener_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct traffic);
} backend_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct outcomes);
} listener_outcomes SEC(".maps");

/* By listener index: whom a SYN must be from, and how many of them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct admission);
} admissions SEC(".maps");

/* Allow and deny lists of all listeners: enum access, by list and longest prefix. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1048576); /* its memory is taken as it fills */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct access_prefix4);
	__type(value, __u32);
} access_prefixes SEC(".maps");

/* By listener index: the token bucket of its rate, as client_seat.next_ns. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} listener_buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct client_set);
} client_seats SEC(".maps");

/* By backend index: live sessions at most; 0: no limit. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} backend_limits SEC(".maps");

/*
 * By backend index: from when on its sessions are over, ns of CLOCK_MONOTONIC; 0: never.
 * Here and not in the daemon's hands, so that a drain ends when no daemon runs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} backend_ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct trouble);
} backend_trouble SEC(".maps");
/* By listener index: how many SYNs are unanswered, and whether they get cookies. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct protection);
} protections SEC(".maps");

/* By slot; of sessions that a SYN cookie opened. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SESSIONS_DEFAULT);
	__type(key, __u32);
	__type(value, struct splice);
} splices SEC(".maps");

/* Live sessions, for limits and for the least-connections scheduler. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} listener_live SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} backend_live SEC(".maps");

static __always_inline int is_for_local(const struct packet *p)
{
	__be32 addr = p->flow.destination_addr;

	return bpf_map_lookup_elem(&locals_by_addr, &addr) != 0;
}

static __always_inline struct splice *get_splice(__u32 slot)
{
	return bpf_map_lookup_elem(&splices, &slot);
}

static __always_inline struct protection *get_protection(__u32 listener)
{
	return bpf_map_lookup_elem(&protections, &listener);
}

static __always_inline struct traffic *listener_counters(__u32 index)
{
	return bpf_map_lookup_elem(&listener_traffic, &index);
}

static __always_inline struct traffic *backend_counters(__u32 index)
{
	return bpf_map_lookup_elem(&backend_traffic, &index);
}

#endif
