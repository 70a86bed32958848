/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* packet.h: what a frame is, found out once and with every length checked. */
#ifndef FULLNAT_PACKET_H
#define FULLNAT_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "clock.h"
#include "contract.h"

#define IP_OFFSET 14
#define TCP_OFFSET 34 /* IP options are refused, so the TCP header is always here */
#define OPTIONS_OFFSET 54
#define IP_BYTES 20
#define TCP_BYTES 20

#define IP_MORE_FRAGMENTS 0x2000
#define IP_FRAGMENT_OFFSET 0x1fff

/* TCP flags as one byte, in wire order. */
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

/* What the parser found; every kind but NOT_IPV4 has addresses filled in. */
enum parsed {
	PARSED_TCP = 0,
	PARSED_NOT_IPV4,
	PARSED_NOT_TCP,
	PARSED_MALFORMED,      /* ports are filled in when there are any */
	PARSED_BAD_CHECKSUM,   /* ports filled in */
	PARSED_IP_OPTIONS,     /* ports filled in */
	PARSED_FIRST_FRAGMENT, /* ports filled in */
	PARSED_LATER_FRAGMENT, /* no ports */
};

struct packet {
	struct __sk_buff *ctx;
	struct flow4 flow; /* as received */
	__u32 now;         /* ticks */
	__u32 sequence, acknowledgement;
	__u32 ip_bytes;         /* IP header, TCP header and payload */
	__u32 tcp_header_bytes; /* 20..60 */
	int action;             /* tc action, once the packet is translated */
	__u16 next_hop_mtu;     /* of a packet that is too big for it */
	__u16 entry_flags; /* ENTRY_*: what both entries of a session begin with that it opens */
	__u8 refused_as;   /* enum verdict: of a refused SYN that is not answered */
	__u8 flags;
	__u8 ttl;
	__u8 tos;
};

/* The tuple of an answer to a packet with this one. */
static __always_inline struct flow4 reversed(const struct flow4 *flow)
{
	return (struct flow4){
		.source_addr = flow->destination_addr,
		.destination_addr = flow->source_addr,
		.source_port = flow->destination_port,
		.destination_port = flow->source_port,
		.protocol = flow->protocol,
	};
}

/* True for a SYN that opens a connection; with FIN or RST it opens none. */
static __always_inline int is_opening_syn(const struct packet *p)
{
	return (p->flags & (SYN | ACK | RST | FIN)) == SYN;
}

static __always_inline __u32 payload_bytes(const struct packet *p)
{
	return p->ip_bytes - IP_BYTES - p->tcp_header_bytes;
}

/* Folds a sum of 16- and 32-bit words to 16 bits (RFC 1071). */
static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline int ip_header_sum_ok(const struct iphdr *ip)
{
	const __u32 *word = (const __u32 *)ip;

	return fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]) == 0xffff;
}

/* Ports of a packet whose TCP header is not where the fast path expects it. */
static __always_inline void read_ports(struct packet *p, __u32 tcp_offset)
{
	__be16 ports[2] = {};

	if (bpf_skb_load_bytes(p->ctx, tcp_offset, ports, sizeof(ports)) == 0) {
		p->flow.source_port = ports[0];
		p->flow.destination_port = ports[1];
	}
}

/*
 * `bytes`, of which the caller knows that they are 1..`most`, a power of two: said by
 * arithmetic, which the compiler must not see through, because Linux 6.1's verifier
 * learns nothing from "not 0" and refuses a read of perhaps no bytes.
 */
static __always_inline __u32 one_to(__u32 most, __u32 bytes)
{
	asm volatile("" : "+r"(bytes));
	return ((bytes - 1) & (most - 1)) + 1;
}

/* Fills *p from the frame; p->ctx must be set and the rest zero. */
static __always_inline enum parsed parse_tcp4(struct packet *p)
{
	struct __sk_buff *ctx = p->ctx;
	void *data, *data_end;
	struct iphdr *ip;
	struct tcphdr *tcp;

	/* a tagged frame belongs to the VLAN's own interface */
	if (ctx->protocol != bpf_htons(ETH_P_IP) || ctx->vlan_present)
		return PARSED_NOT_IPV4;
	if ((void *)(long)ctx->data + OPTIONS_OFFSET > (void *)(long)ctx->data_end)
		bpf_skb_pull_data(ctx, ctx->len < OPTIONS_OFFSET ? ctx->len : OPTIONS_OFFSET);
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	ip = data + IP_OFFSET;
	if ((void *)(ip + 1) > data_end || ip->version != 4)
		return PARSED_NOT_IPV4;

	p->flow.source_addr = ip->saddr;
	p->flow.destination_addr = ip->daddr;
	p->flow.protocol = ip->protocol;
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	if (ip->protocol != IPPROTO_TCP)
		return PARSED_NOT_TCP;
	if (ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
		return PARSED_LATER_FRAGMENT;
	if (ip->ihl < 5)
		return PARSED_MALFORMED;
	if (ip->ihl > 5) {
		read_ports(p, IP_OFFSET + ip->ihl * 4);
		return PARSED_IP_OPTIONS;
	}
	tcp = data + TCP_OFFSET;
	if ((void *)(tcp + 1) > data_end) {
		read_ports(p, TCP_OFFSET);
		return PARSED_MALFORMED;
	}
	p->flow.source_port = tcp->source;
	p->flow.destination_port = tcp->dest;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS))
		return PARSED_FIRST_FRAGMENT;
	if (!ip_header_sum_ok(ip))
		return PARSED_BAD_CHECKSUM;

	p->sequence = bpf_ntohl(tcp->seq);
	p->acknowledgement = bpf_ntohl(tcp->ack_seq);
	p->flags = ((__u8 *)tcp)[13];
	p->tcp_header_bytes = tcp->doff * 4;
	p->ip_bytes = bpf_ntohs(ip->tot_len);
	if (p->ip_bytes == 0 && ctx->gso_size) /* BIG TCP: longer than 16 bits can say */
		p->ip_bytes = ctx->len - IP_OFFSET;
	if (p->tcp_header_bytes < TCP_BYTES || p->ip_bytes < IP_BYTES + p->tcp_header_bytes ||
	    ctx->len < IP_OFFSET + p->ip_bytes)
		return PARSED_MALFORMED;
	p->now = now_ticks();
	return PARSED_TCP;
}

#endif
