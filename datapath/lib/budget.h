/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * budget.h: how many packets of our own a flood can make us send.
 *
 * Path MTU discovery has a bucket of its own: what an attacker can provoke at will (a
 * TTL that ends here) must not take its answers away. Errors of others have buckets by
 * the client that they are about: who floods them does so about connections of its own.
 */
#ifndef FULLNAT_BUDGET_H
#define FULLNAT_BUDGET_H

#include "ports.h"
#include "rate.h"
#include "session.h"

enum budget {
	BUDGET_TOO_BIG = 0,    /* ICMP 3/4 of our own */
	BUDGET_OTHER = 1,      /* ICMP 11/0 and 3/13 of our own */
	BUDGET_TRANSLATED = 2, /* retired: ICMP errors of others that we pass on */
	BUDGET_RESET = 3,      /* RSTs that refuse a SYN */
	BUDGET_COUNT = 16,     /* room: a map of another size is another map */
};

/* What Linux allows itself (net.ipv4.icmp_msgs_per_sec); its burst of 50 is for hosts,
 * a balancer has more peers. */
#define BUDGET_INTERVAL_NS 1000000
#define BUDGET_BURST 200
/* A RST is no larger than the SYN it answers, and tells a client at once. */
#define BUDGET_RESET_INTERVAL_NS 50000
#define BUDGET_RESET_BURST 4096

/* When each would be full again, ns. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BUDGET_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} budgets SEC(".maps");

#define ERROR_BUDGETS 1024 /* a power of two; nobody knows who shares one with whom */

/* The same of errors that are passed on, by a keyed hash of the client. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ERROR_BUDGETS);
	__type(key, __u32);
	__type(value, __u64);
} error_budgets SEC(".maps");

static __always_inline int take_from(__u64 *next_ns, __u64 interval_ns, __u32 burst)
{
	struct rate rate = { .interval_ns = interval_ns, .tolerance_ns = burst * interval_ns };

	return next_ns && take_token(next_ns, &rate, bpf_ktime_get_ns());
}

static __always_inline int is_in_budget(__u32 kind)
{
	__u64 *next_ns = bpf_map_lookup_elem(&budgets, &kind);

	if (kind == BUDGET_RESET)
		return take_from(next_ns, BUDGET_RESET_INTERVAL_NS, BUDGET_RESET_BURST);
	return take_from(next_ns, BUDGET_INTERVAL_NS, BUDGET_BURST);
}

static __always_inline int is_error_in_budget(__be32 client)
{
	struct settings *set = get_settings();
	__u32 index = set ? mix(client ^ (__u32)set->secret[0]) & (ERROR_BUDGETS - 1) : 0;

	return take_from(bpf_map_lookup_elem(&error_budgets, &index), BUDGET_INTERVAL_NS,
			 BUDGET_BURST);
}

#endif
