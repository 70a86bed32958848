/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * schedule.h: which of a pool's backends a new connection goes to.
 *
 * User space writes tables, whole; here they are only looked up:
 *
 *   round robin         the position after the last one's
 *   hash, Maglev        the position that the client's address, or connection, has
 *   least connections   of 64 positions in a row, the backend with the fewest for its weight
 *
 * and from there on the first backend that is below its limit. A client that is to come
 * back to its backend is asked for first.
 */
#ifndef FULLNAT_BALANCER_SCHEDULE_H
#define FULLNAT_BALANCER_SCHEDULE_H

#include "../lib/ports.h"
#include "admission.h"

#define BACKEND_TRIES 256 /* positions looked at for a backend below its limit */
#define LEAST_OF 64       /* ... for the one with the fewest connections: about 1 us */
#define INDEX_MASK ((1u << SCHEDULE_WEIGHT_SHIFT) - 1)
#define NS_PER_SECOND 1000000000ull

struct choice {
	__u32 table_first, table_length, position;
	__u32 backend_index; /* the best of those looked at */
	__u32 live, weight;  /* its own */
	int is_least, has_backend, met_full;
};

static __always_inline int is_full(__u32 backend)
{
	__u32 *most = bpf_map_lookup_elem(&backend_limits, &backend);
	__u32 *live = bpf_map_lookup_elem(&backend_live, &backend);

	return most && *most && live && *live >= *most;
}

static __always_inline int is_out(__u32 index)
{
	struct backend *backend = bpf_map_lookup_elem(&backends, &index);

	return !backend || !backend->used || backend->out;
}

/* True while new connections may go to the backend. */
static __always_inline int takes_new(__u32 index)
{
	return !is_out(index) && !is_full(index);
}

/* Takes the backend at hand when it would have fewer connections for its weight with the new one. */
static __always_inline void take_least(struct choice *c, __u32 backend, __u32 weight)
{
	__u32 *count = bpf_map_lookup_elem(&backend_live, &backend);
	__u32 live = count ? *count : 0;

	weight += !weight;
	if (c->has_backend && ((__u64)live + 1) * c->weight >= ((__u64)c->live + 1) * weight)
		return;
	c->backend_index = backend;
	c->live = live;
	c->weight = weight;
	c->has_backend = 1;
}

/* Looks at the backend of one position; 1 ends the search. */
static int try_backend(__u32 step, struct choice *c)
{
	__u32 position = c->table_first + (c->position + step) % c->table_length, index, *entry;
	struct backend *backend;

	if (step >= c->table_length || (c->has_backend && step >= LEAST_OF))
		return 1;
	entry = bpf_map_lookup_elem(&schedule, &position);
	if (!entry)
		return 1;
	index = *entry & INDEX_MASK;
	if (!c->has_backend)
		c->backend_index = index;
	backend = bpf_map_lookup_elem(&backends, &index);
	if (!backend || !backend->used)
		return 0;
	if (is_full(index)) {
		c->met_full = 1;
		return 0;
	}
	if (c->is_least) {
		take_least(c, index, *entry >> SCHEDULE_WEIGHT_SHIFT);
		return 0;
	}
	c->has_backend = 1;
	return 1;
}

/* Host order, so that the same seed means the same on every machine. */
static __always_inline __u32 hash_client(const struct packet *p, const struct pool *pool)
{
	__u32 hash = mix(bpf_ntohl(p->flow.source_addr) ^ pool->seed);

	return pool->select == SELECT_SOURCE_HASH ? hash
						  : mix(hash ^ bpf_ntohs(p->flow.source_port));
}

/* Walks the pool's table from the position that is this connection's. */
static __always_inline void search_table(struct choice *c, const struct packet *p,
					 const struct pool *pool, __u32 pool_index)
{
	__u64 table = pool->table; /* read once: offset and length belong together */
	__u32 *cursor = 0, steps;

	c->table_first = table >> 32;
	c->table_length = table;
	if (!c->table_length)
		return;
	c->is_least = pool->select == SELECT_LEAST_CONNECTIONS;
	if (c->is_least || pool->select == SELECT_ROUND_ROBIN) {
		cursor = bpf_map_lookup_elem(&schedule_cursor, &pool_index);
		c->position = cursor ? *cursor + 1 : 0;
	} else {
		c->position = hash_client(p, pool);
	}
	c->position %= c->table_length; /* so that a step further does not wrap */
	steps = bpf_loop(BACKEND_TRIES, try_backend, c, 0);
	if (cursor) /* the share of one that is full is everyone's, not its neighbour's */
		*cursor = c->position + (c->has_backend && !c->is_least ? steps - 1 : 0);
}

static __always_inline struct sticky_key sticky_key_of(const struct packet *p,
						       const struct pool *pool, __u32 pool_index)
{
	__u32 mask = ~0u << (32 - pool->sticky_bits) % 32;

	return (struct sticky_key){
		.pool = pool_index,
		.network = bpf_ntohl(p->flow.source_addr) & mask,
	};
}

/* True when the client has been here, and its backend takes it; its time begins again. */
static __always_inline int comes_back(struct choice *c, const struct packet *p,
				      const struct pool *pool, __u32 pool_index)
{
	struct sticky_key key = sticky_key_of(p, pool, pool_index);
	struct sticky *known = bpf_map_lookup_elem(&sticky_clients, &key);
	__u64 now_ns = bpf_ktime_get_ns();
	struct backend *backend;
	__u32 index;

	if (!known || known->until_ns <= now_ns)
		return 0;
	index = known->backend;
	backend = bpf_map_lookup_elem(&backends, &index);
	if (!backend || backend->addr != known->addr || backend->port != known->port ||
	    !takes_new(index))
		return 0;
	known->until_ns = now_ns + pool->sticky_seconds * NS_PER_SECOND;
	c->backend_index = index;
	c->has_backend = 1;
	return 1;
}

/* The client is to come back to the backend that it has now. */
static __always_inline void remember(const struct choice *c, const struct packet *p,
				     const struct pool *pool, __u32 pool_index)
{
	struct sticky_key key = sticky_key_of(p, pool, pool_index);
	__u32 index = c->backend_index;
	struct backend *backend = bpf_map_lookup_elem(&backends, &index);
	struct sticky sticky = {
		.until_ns = bpf_ktime_get_ns() + pool->sticky_seconds * NS_PER_SECOND,
		.backend = index,
	};

	if (!backend)
		return;
	sticky.addr = backend->addr;
	sticky.port = backend->port;
	bpf_map_update_elem(&sticky_clients, &key, &sticky, BPF_ANY);
}

/* Chooses the backend; VERDICT_PASS when there is one. */
static __noinline enum verdict choose_backend(const struct packet *p,
					      const struct listener *listener, __u32 *backend_index)
{
	__u32 pool_index = listener->pool;
	struct pool *pool = bpf_map_lookup_elem(&pools, &pool_index);
	struct choice c = {};

	if (!pool)
		return VERDICT_DROP_INTERNAL;
	if (!pool->sticky_bits || !comes_back(&c, p, pool, pool_index)) {
		search_table(&c, p, pool, pool_index);
		if (pool->sticky_bits && c.has_backend)
			remember(&c, p, pool, pool_index);
	}
	*backend_index = c.backend_index;
	if (c.has_backend)
		return VERDICT_PASS;
	report(p, c.met_full ? EVENT_BACKEND_LIMIT : EVENT_NO_BACKEND, listener->index,
	       c.backend_index, 0);
	return c.met_full ? VERDICT_RESET_BACKEND_LIMIT : VERDICT_RESET_NO_BACKEND;
}

#endif
