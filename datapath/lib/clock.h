/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * clock.h: what time it is, in ticks, asked for once a jiffy: the kernel's coarse clock
 * moves no more often, and bpf_jiffies64() is one load where the helper is a call.
 */
#ifndef FULLNAT_CLOCK_H
#define FULLNAT_CLOCK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "contract.h"

struct clock {
	__u64 jiffies; /* when it was asked */
	__u64 ticks;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clock SEC(".maps");

/* Behind by a jiffy at most. */
static __always_inline __u32 now_ticks(void)
{
	__u64 jiffies = bpf_jiffies64();
	__u32 zero = 0;
	struct clock *known = bpf_map_lookup_elem(&clock, &zero);

	if (!known)
		return bpf_ktime_get_coarse_ns() >> TICK_SHIFT;
	if (known->jiffies != jiffies) {
		known->ticks = bpf_ktime_get_coarse_ns() >> TICK_SHIFT;
		known->jiffies = jiffies;
	}
	return known->ticks;
}

#endif
