/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * reserve.h: finds a port that is free towards one server, and reserves it by
 * writing the server's side of the session: BPF_NOEXIST makes the hash table the
 * judge. The work per SYN is bounded; how often it was in vain is counted.
 */
#ifndef FULLNAT_RESERVE_H
#define FULLNAT_RESERVE_H

#include "ports.h"
#include "session.h"

#define PORT_STEPS 256 /* positions of the permutation looked at */
#define PORT_TRIES 64  /* of them inside the range, each a try to reserve */

#define E2BIG 7
#define EEXIST 17

struct port_search {
	const struct session_entry *entry; /* written under the tuple that is free */
	struct flow4 tuple;                /* server -> peer; destination_port is searched */
	__u32 low, count;                  /* the range */
	int many_peers; /* the counts are of all peers' ranges together: they do not say it is full */
	/* filled in by search_port() */
	struct local_ports *ports;
	__u64 secret[2];
	__u32 bits, tweak, tries;
	int result; /* 0 found, else what stopped the search */
};

static int try_port(__u32 step, struct port_search *s)
{
	__u32 index = __sync_fetch_and_add(&s->ports->cursor, 1);
	__u32 offset = permute(index, s->bits, s->secret, s->tweak);

	if (offset >= s->count)
		return 0;
	s->tuple.destination_port = bpf_htons(s->low + offset);
	s->result = bpf_map_update_elem(&sessions, &s->tuple, s->entry, BPF_NOEXIST);
	s->tries += 1;
	if (s->result == 0 || s->result == -E2BIG)
		return 1;
	return s->tries >= PORT_TRIES;
}

static __always_inline struct local_ports *get_local_ports(__u32 local, __u32 backend)
{
	struct local_pair pair = { .local = local, .backend = backend };
	struct local_ports *ports = bpf_map_lookup_elem(&local_ports, &pair);

	if (!ports) {
		struct local_ports fresh = { .cursor = bpf_get_prandom_u32() };

		bpf_map_update_elem(&local_ports, &pair, &fresh, BPF_NOEXIST);
		ports = bpf_map_lookup_elem(&local_ports, &pair);
	}
	return ports;
}

/* Returns 0 with s->tuple reserved, or a negative error. */
static __always_inline int search_port(struct port_search *s, const struct settings *set,
				       __u32 local, __u32 backend)
{
	s->ports = get_local_ports(local, backend);
	if (!s->ports)
		return -E2BIG;
	s->secret[0] = set->secret[0];
	s->secret[1] = set->secret[1];
	s->bits = permutation_bits(s->count);
	s->tweak = local << 16 ^ backend; /* every pair has an order of its own */
	s->result = -EEXIST;
	if (s->many_peers || s->ports->in_use + s->ports->resting < s->count)
		bpf_loop(PORT_STEPS, try_port, s, 0);
	__sync_fetch_and_add(&s->ports->probes, s->tries);
	__sync_fetch_and_add(s->result ? &s->ports->failed : &s->ports->allocated, 1);
	return s->result;
}

#endif
