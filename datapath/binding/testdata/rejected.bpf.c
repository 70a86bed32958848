/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* rejected.bpf.c: reads through a pointer that may be null, which no verifier lets pass. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

SEC("tc")
int careless(struct __sk_buff *ctx)
{
	__u32 zero = 0;
	__u32 *value = bpf_map_lookup_elem(&numbers, &zero);

	return *value;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
