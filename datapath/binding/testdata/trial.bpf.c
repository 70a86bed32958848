/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* trial.bpf.c: one map of each kind and small programs, to test the binding and nothing else. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define CLOCK_MONOTONIC 1
#define TICK_NS 5000000 /* the timer counts every 5 ms */

struct pair {
	__u32 left, right;
};
struct sums {
	__u64 packets, bytes;
};
struct clock {
	struct bpf_timer timer;
	__u64 ticks;
};
struct seen {
	__u32 length, mark, ifindex;
};
struct request {
	__u32 records, answer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct pair);
	__type(value, __u64);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct pair);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct sums);
} counters SEC(".maps");

/* A value whose size is not a multiple of 8: user space sees each copy rounded up. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 8);
	__type(value, __u32);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16);
	__type(key, struct pair);
	__type(value, __u32);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clock SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/* Counts the packet, reports it, writes one byte of it and makes it 8 bytes longer. */
SEC("tc")
int watch(struct __sk_buff *ctx)
{
	__u32 zero = 0;
	struct sums *sums = bpf_map_lookup_elem(&counters, &zero);
	struct seen *seen = bpf_ringbuf_reserve(&events, sizeof(*seen), 0);
	__u8 written = 0x42;

	if (sums) {
		sums->packets++;
		sums->bytes += ctx->len;
	}
	if (seen) {
		seen->length = ctx->len;
		seen->mark = ctx->mark;
		seen->ifindex = ctx->ifindex;
		bpf_ringbuf_submit(seen, 0);
	}
	bpf_skb_store_bytes(ctx, 14, &written, 1, 0);
	bpf_skb_change_tail(ctx, ctx->len + 8, 0);
	return TC_ACT_UNSPEC;
}

/* Fills a slot of every CPU it runs on, so that sums have something to add. */
SEC("tc")
int count_odd(struct __sk_buff *ctx)
{
	__u32 third = 3;
	__u32 *value = bpf_map_lookup_elem(&odd, &third);

	if (value)
		*value += 1;
	return TC_ACT_OK;
}

static int tick(void *map, __u32 *key, struct clock *value)
{
	value->ticks++;
	bpf_timer_start(&value->timer, TICK_NS, 0);
	return 0;
}

SEC("syscall")
int start_clock(struct request *request)
{
	__u32 zero = 0;
	struct clock *value = bpf_map_lookup_elem(&clock, &zero);

	if (!value)
		return 1;
	request->answer = request->records + 1;
	bpf_timer_init(&value->timer, &clock, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&value->timer, tick);
	return bpf_timer_start(&value->timer, TICK_NS, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
