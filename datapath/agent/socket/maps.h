/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* maps.h: whom socket mode believes, whom it covers, and what it knows of each socket. */
#ifndef FULLNAT_SOCKET_MAPS_H
#define FULLNAT_SOCKET_MAPS_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "contract.h"

#define ADDRESS_FAMILY_IPV4 2 /* AF_INET */
#define ADDRESS_FAMILY_IPV6 10

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct socket_settings);
} socket_settings SEC(".maps");

/* Addresses of balancers whose TOA is believed. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, __u32);
} socket_trusted SEC(".maps");

/* The servers' own addresses; asked only when the settings say so. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct endpoint6);
	__type(value, __u32);
} socket_servers SEC(".maps");

/* Lives and dies with the socket, so nothing has to expire. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct client);
} clients SEC(".maps");

/* Listeners that save the SYN because we asked them to. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} saving SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOCKET_NOTE_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} socket_notes SEC(".maps");

static __always_inline void count_socket_note(__u32 note)
{
	__u64 *count = bpf_map_lookup_elem(&socket_notes, &note);

	if (count)
		*count += 1;
}

static __always_inline struct socket_settings *get_socket_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&socket_settings, &zero);
}

#define IPV4_MAPPED bpf_htonl(0xffff) /* ::ffff:0:0/96, the third word */

static __always_inline int is_ipv4_mapped(const __be32 *addr)
{
	return addr[0] == 0 && addr[1] == 0 && addr[2] == IPV4_MAPPED;
}

static __always_inline int is_trusted_local(const struct prefix6 *whole)
{
	return bpf_map_lookup_elem(&socket_trusted, whole) != 0;
}

static __always_inline int is_covered(const struct endpoint6 *server)
{
	struct socket_settings *settings = get_socket_settings();

	return settings &&
	       (!settings->servers_only || bpf_map_lookup_elem(&socket_servers, server) != 0);
}

#endif
