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

/* Backend indices in the order they are chosen; a pool owns one run of entries. */
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

static __always_inline void live_changed(const struct session_slot *slot, int by)
{
	__u32 listener = slot->listener, backend = slot->backend;
	__u32 *of_listener = bpf_map_lookup_elem(&listener_live, &listener);
	__u32 *of_backend = bpf_map_lookup_elem(&backend_live, &backend);

	if (of_listener)
		__sync_fetch_and_add(of_listener, by);
	if (of_backend)
		__sync_fetch_and_add(of_backend, by);
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
