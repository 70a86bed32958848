// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* drops.bpf.c: tells which SYN, SYN+ACK, RST or FIN of some addresses the kernel threw away, and why. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* What is read of the kernel's own; it is found by name in the BTF of the running kernel. */
struct sk_buff {
	unsigned char *head;
	__u16 network_header;
	__be16 protocol;
} __attribute__((preserve_access_index));

struct drop_event {
	__u64 time_ns;  /* since boot */
	__u64 location; /* kernel address that freed the packet */
	__u32 reason;   /* enum skb_drop_reason of the running kernel */
	__be32 source, destination;
	__be16 source_port, destination_port;
	__u8 flags;
	__u8 pad[3];
};
_Static_assert(sizeof(struct drop_event) == 40, "keep binding/drops.ts in step");

/* Addresses of listener, servers and locals: a drop of anything else is nobody's business here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u8);
} wanted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} drops SEC(".maps");

#define FLAGS_TOLD 0x07 /* FIN, SYN, RST */

static int is_wanted(const struct iphdr *ip)
{
	return bpf_map_lookup_elem(&wanted, &ip->saddr) || bpf_map_lookup_elem(&wanted, &ip->daddr);
}

/* raw tracepoint skb:kfree_skb: packet, location, reason (Linux 5.17 and newer). */
SEC("raw_tp/kfree_skb")
int packet_dropped(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx->args[0];
	struct drop_event *event;
	unsigned char *at;
	struct tcphdr tcp;
	struct iphdr ip;

	if (BPF_CORE_READ(skb, protocol) != __builtin_bswap16(ETH_P_IP))
		return 0;
	at = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	if (bpf_probe_read_kernel(&ip, sizeof(ip), at))
		return 0;
	if (ip.version != 4 || ip.protocol != IPPROTO_TCP || !is_wanted(&ip))
		return 0;
	if (bpf_probe_read_kernel(&tcp, sizeof(tcp), at + ip.ihl * 4))
		return 0;
	__u8 flags = ((__u8 *)&tcp)[13];
	if (!(flags & FLAGS_TOLD))
		return 0;
	event = bpf_ringbuf_reserve(&drops, sizeof(*event), 0);
	if (!event)
		return 0;
	*event = (struct drop_event){
		.time_ns = bpf_ktime_get_boot_ns(),
		.location = ctx->args[1],
		.reason = (__u32)ctx->args[2],
		.source = ip.saddr,
		.destination = ip.daddr,
		.source_port = tcp.source,
		.destination_port = tcp.dest,
		.flags = flags,
	};
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
