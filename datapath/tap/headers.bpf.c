// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * headers.bpf.c: copies the headers of SYN, SYN+ACK, FIN, RST and of ICMP errors about them, of some
 * ends, at some interfaces: as they come in, before any program there, and as they go out, after all.
 *
 * Raw tracepoints, not filters on the interface: nobody's queueing discipline or program is touched,
 * and nothing is left when the process that holds the tap ends.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* What is read of the kernel's own; it is found by name in the BTF of the running kernel. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	unsigned char *head, *data;
	unsigned int tail;
	__u16 network_header;
	__be16 protocol;
} __attribute__((preserve_access_index));

/* IPv4 and TCP headers with all their options, or an ICMP error with the 8 bytes that it must quote. */
#define KEPT_BYTES 128

struct tap_record {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 place;
	__u16 kept_bytes, wire_bytes;
	__u8 bytes[KEPT_BYTES]; /* from the IP header on */
};
_Static_assert(sizeof(struct tap_record) == 144, "keep binding/header-tap.ts in step");

struct tap_place {
	__u32 namespace_number, interface_index;
};

/* An IPv4 address is mapped into IPv6. */
struct tap_end {
	__be32 address[4];
	__be16 port;
	__u8 pad[2]; /* compared byte by byte: always zero */
};
_Static_assert(sizeof(struct tap_end) == 20, "keep binding/header-tap.ts in step");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct tap_place);
	__type(value, __u32);
} places SEC(".maps");

/* Listener and servers: what passes between any others is not copied. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct tap_end);
	__type(value, __u8);
} ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} tapped SEC(".maps");

/* By place: records for which there was no room. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} missed SEC(".maps");

/* What a packet says of its segment, or an ICMP error of the one that it quotes. */
struct segment {
	__be32 source[4], destination[4];
	__be16 source_port, destination_port;
	__u8 protocol;
	__u8 is_quoted;
};

#define FLAGS_TOLD 0x07 /* FIN, SYN, RST */
#define ICMP_HEADER_BYTES 8
#define MAPPED bpf_htonl(0xffff)

static __noinline int is_end(const __be32 *address, __be16 port)
{
	struct tap_end end = { .port = port };

	if (!address)
		return 0;
	__builtin_memcpy(end.address, address, sizeof(end.address));
	return bpf_map_lookup_elem(&ends, &end) != 0;
}

/* Gives where the payload begins, or 0 where there is no IP header. */
static __noinline unsigned char *read_ip(unsigned char *at, struct segment *segment)
{
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	} ip;

	if (!segment || bpf_probe_read_kernel(&ip.v4, sizeof(ip.v4), at))
		return 0;
	if (ip.v4.version == 4) {
		segment->source[0] = segment->source[1] = 0;
		segment->destination[0] = segment->destination[1] = 0;
		segment->source[2] = segment->destination[2] = MAPPED;
		segment->source[3] = ip.v4.saddr;
		segment->destination[3] = ip.v4.daddr;
		segment->protocol = ip.v4.protocol;
		/* of fragments only the first has ports */
		return ip.v4.frag_off & bpf_htons(0x1fff) ? 0 : at + ip.v4.ihl * 4;
	}
	if (ip.v4.version != 6 || bpf_probe_read_kernel(&ip.v6, sizeof(ip.v6), at))
		return 0;
	__builtin_memcpy(segment->source, &ip.v6.saddr, sizeof(segment->source));
	__builtin_memcpy(segment->destination, &ip.v6.daddr, sizeof(segment->destination));
	segment->protocol = ip.v6.nexthdr;
	return at + sizeof(ip.v6);
}

/* Destination unreachable, packet too big, time exceeded, parameter problem. */
static int is_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMPV6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 11 || type == 12;
}

static int is_told(unsigned char *at)
{
	struct segment segment = {};
	unsigned char *payload = read_ip(at, &segment);
	__be16 ports[2];
	__u8 byte;

	if (!payload)
		return 0;
	if (segment.protocol == IPPROTO_ICMP || segment.protocol == IPPROTO_ICMPV6) {
		if (bpf_probe_read_kernel(&byte, 1, payload) || !is_error(segment.protocol, byte))
			return 0;
		payload = read_ip(payload + ICMP_HEADER_BYTES, &segment);
		segment.is_quoted = 1;
	}
	if (!payload || segment.protocol != IPPROTO_TCP)
		return 0;
	if (!segment.is_quoted &&
	    (bpf_probe_read_kernel(&byte, 1, payload + 13) || !(byte & FLAGS_TOLD)))
		return 0;
	if (bpf_probe_read_kernel(ports, sizeof(ports), payload))
		return 0;
	return is_end(segment.source, ports[0]) || is_end(segment.destination, ports[1]);
}

static __u16 wire_bytes(unsigned char *at)
{
	__be16 words[3] = {};

	if (bpf_probe_read_kernel(words, sizeof(words), at))
		return 0;
	if ((bpf_ntohs(words[0]) >> 12) == 4)
		return bpf_ntohs(words[1]);
	return bpf_ntohs(words[2]) + sizeof(struct ipv6hdr);
}

static void tap(struct sk_buff *skb, struct net_device *dev, unsigned char *at)
{
	struct tap_place key = {
		.namespace_number = BPF_CORE_READ(dev, nd_net.net, ns.inum),
		.interface_index = BPF_CORE_READ(dev, ifindex),
	};
	const __u32 *place = bpf_map_lookup_elem(&places, &key);
	unsigned char *end = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, tail);
	struct tap_record *record;

	if (!place || end <= at || !is_told(at))
		return;
	record = bpf_ringbuf_reserve(&tapped, sizeof(*record), 0);
	if (!record) {
		__u64 *count = bpf_map_lookup_elem(&missed, place);

		if (count)
			__sync_fetch_and_add(count, 1);
		return;
	}
	__u64 kept = end - at;

	if (kept > KEPT_BYTES)
		kept = KEPT_BYTES;
	record->time_ns = bpf_ktime_get_ns();
	record->place = *place;
	record->kept_bytes = kept;
	record->wire_bytes = wire_bytes(at);
	if (bpf_probe_read_kernel(record->bytes, kept, at)) {
		bpf_ringbuf_discard(record, 0);
		return;
	}
	bpf_ringbuf_submit(record, 0);
}

/* Received: the kernel has passed the link header, and not yet the tags of VLANs that the card left. */
SEC("raw_tp/netif_receive_skb")
int header_received(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx->args[0];
	__be16 type = BPF_CORE_READ(skb, protocol);
	unsigned char *at = BPF_CORE_READ(skb, data);

	for (int tag = 0; tag < 2; tag++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if (bpf_probe_read_kernel(&type, sizeof(type), at + 2))
			return 0;
		at += 4;
	}
	if (type == bpf_htons(ETH_P_IP) || type == bpf_htons(ETH_P_IPV6))
		tap(skb, BPF_CORE_READ(skb, dev), at);
	return 0;
}

/* About to leave: after queues, filters and programs. */
SEC("raw_tp/net_dev_start_xmit")
int header_sent(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx->args[0];

	tap(skb, (struct net_device *)ctx->args[1],
	    BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header));
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
