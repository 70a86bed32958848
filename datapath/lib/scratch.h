/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * scratch.h: the large variables of a SYN, one set per CPU: the stack has 512 bytes
 * for a whole chain of calls, and Linux 6.1 rounds each frame up to 32.
 *
 * A program at tc runs with softirqs off, so nothing on this CPU comes between two
 * uses. Each variable has one user at a time: who fills it.
 */
#ifndef FULLNAT_SCRATCH_H
#define FULLNAT_SCRATCH_H

#include <bpf/bpf_helpers.h>

#include "contract.h"

/* A search for a port; lib/reserve.h has the rest of it. */
struct port_choice {
	struct flow4 tuple; /* server -> peer; destination_port is searched */
	__u32 low, count;   /* the range */
	__u32 many_peers; /* the counts are of all peers' ranges together: they do not say it is full */
	struct local_pair pair; /* whose ports these are */
	/* the session that gives its tuple away soonest; NO_SLOT at first, kept from range to range */
	__u32 given_slot, given_age;
	__u32 half_open;  /* it does not rest */
	__u32 free_tries; /* made since then */
	__u32 before;     /* SLOT_BEFORE*: what `numbers` says of who had the taken tuple */
	__u32 taken;      /* 1 + the slot of a half-open session whose tuple was taken */
	/* of the range that is searched */
	__u64 secret[2];
	__u32 bits, tweak, tries, index;
	__u32 bucket; /* of `port_probes` */
	int result;   /* 0 found, else what stopped the search */
};

struct scratch {
	struct session_entry entry; /* of one side of a new session, then of the other */
	struct flow4 wanted;        /* agent: the tuple that is another connection's */
	struct port_choice choice;
	struct event event;
	struct local_ports ports; /* of a pair that is new */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

static __always_inline struct scratch *get_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

#endif
