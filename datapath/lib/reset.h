/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * reset.h: turns the packet at hand into the RST that answers it.
 *
 * The answer goes out of the interface and to the link-layer address that the
 * packet came from, so it needs no route.
 */
#ifndef FULLNAT_RESET_H
#define FULLNAT_RESET_H

#include "cut.h"
#include "packet.h"

#define RESET_TTL 64
#define RESET_FRAME_BYTES (IP_OFFSET + IP_BYTES + TCP_BYTES)
#define IP_DONT_FRAGMENT 0x4000

struct reset_frame {
	__u8 pad[2]; /* brings the IP header to a multiple of four */
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
};

/*
 * RFC 9293 section 3.10.7.1: with ACK, the RST takes its sequence number from
 * it; without, sequence 0 and an acknowledgement of all that the segment held.
 */
static __always_inline void fill_reset_tcp(struct tcphdr *tcp, const struct packet *p)
{
	tcp->source = p->flow.destination_port;
	tcp->dest = p->flow.source_port;
	tcp->doff = TCP_BYTES / 4;
	tcp->rst = 1;
	if (p->flags & ACK) {
		tcp->seq = bpf_htonl(p->acknowledgement);
	} else {
		tcp->ack = 1;
		tcp->ack_seq = bpf_htonl(p->sequence + payload_bytes(p) + !!(p->flags & SYN) +
					 !!(p->flags & FIN));
	}
}

/* Returns 0 with the frame ready to be sent back, -1 when a helper failed. */
static __noinline int turn_into_reset(struct packet *p)
{
	struct reset_frame frame = {};
	struct ethhdr received;
	__u16 pseudo;
	int partial;

	if (bpf_skb_load_bytes(p->ctx, 0, &received, sizeof(received)))
		return -1;
	partial = cut_frame(p->ctx, RESET_FRAME_BYTES);
	if (partial < 0)
		return -1;

	__builtin_memcpy(frame.ethernet.h_dest, received.h_source, ETH_ALEN);
	__builtin_memcpy(frame.ethernet.h_source, received.h_dest, ETH_ALEN);
	frame.ethernet.h_proto = received.h_proto;
	frame.ip.version = 4;
	frame.ip.ihl = 5;
	frame.ip.tot_len = bpf_htons(IP_BYTES + TCP_BYTES);
	frame.ip.frag_off = bpf_htons(IP_DONT_FRAGMENT);
	frame.ip.ttl = RESET_TTL;
	frame.ip.protocol = IPPROTO_TCP;
	frame.ip.saddr = p->flow.destination_addr;
	frame.ip.daddr = p->flow.source_addr;
	frame.ip.check = ~words_sum(&frame.ip, IP_BYTES);
	fill_reset_tcp(&frame.tcp, p);
	pseudo = pseudo_sum(frame.ip.saddr, frame.ip.daddr, TCP_BYTES);
	/* A partial checksum holds the pseudo header's sum; the NIC adds the rest. */
	frame.tcp.check =
		partial ? pseudo : (__u16)~fold((__u64)pseudo + words_sum(&frame.tcp, TCP_BYTES));
	return bpf_skb_store_bytes(p->ctx, 0, &frame.ethernet, RESET_FRAME_BYTES,
				   BPF_F_RECOMPUTE_CSUM);
}

#endif
