/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * handshake.h: segments of a handshake that are ours: the packet at hand becomes one.
 *
 *   0          14        34        54               58              70            74
 *   | Ethernet | IPv4    | TCP     | MSS            | timestamps    | window scale |
 *                                                     and SACK permitted
 *
 * All are of one size: what one does not say is NOPs.
 */
#ifndef FULLNAT_BALANCER_HANDSHAKE_H
#define FULLNAT_BALANCER_HANDSHAKE_H

#include "../lib/cut.h"
#include "../lib/options.h"
#include "../lib/reset.h"

#define OPTION_MSS 2     /* RFC 9293 section 3.7.1 */
#define OPTION_SCALE 3   /* RFC 7323 section 2 */
#define OPTION_SACK_OK 4 /* RFC 2018 section 2 */
#define MSS_BYTES 4
#define SCALE_BYTES 3
#define SACK_OK_BYTES 2
#define SCALE_MAX 14 /* RFC 7323 section 2.3 */
#define NO_SCALE 15  /* no such option; fits four bits */
#define NOPS 0x01010101u

#define HANDSHAKE_OPTION_WORDS 5
#define HANDSHAKE_TCP_BYTES (TCP_BYTES + 4 * HANDSHAKE_OPTION_WORDS)
#define HANDSHAKE_FRAME_BYTES (TCP_OFFSET + HANDSHAKE_TCP_BYTES)

/* What the options of a SYN or SYN+ACK say; `time` and `echo` only when `timed`. */
struct handshake_options {
	__u32 time, echo;
	__u16 mss; /* 0: no such option */
	__u8 scale;
	__u8 sack, timed;
	__u8 pad[3];
};

/* A segment to become, of a tuple. */
struct handshake {
	struct flow4 flow;
	struct handshake_options options;
	__u32 sequence, acknowledgement;
	__u16 window; /* as it is in the header */
	__u8 flags;
	__u8 goes_back; /* leaves for the link-layer address that the packet came from */
	__u8 ttl, tos;
	__u8 pad[2];
};

struct handshake_frame {
	__u8 pad[2]; /* brings the IP header to a multiple of four */
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	__be32 options[HANDSHAKE_OPTION_WORDS];
};

struct handshake_walk {
	struct __sk_buff *ctx;
	struct handshake_options *options;
	__u32 offset, end;
};

/* One option a step; 1 ends the walk. */
static int read_option(__u32 step, struct handshake_walk *walk)
{
	__u8 bytes[12] = {}; /* the kind, the length, and what the longest of ours holds */
	__u32 offset = walk->offset, left = walk->end - offset;
	__be32 times[2];

	if (offset >= walk->end || bpf_skb_load_bytes(walk->ctx, offset, bytes, left > 1 ? 2 : 1) ||
	    bytes[0] == OPTION_EOL)
		return 1;
	if (bytes[0] == OPTION_NOP) {
		walk->offset = offset + 1;
		return 0;
	}
	if (bytes[1] < 2 || bytes[1] > left)
		return 1;
	walk->offset = offset + bytes[1];
	if (bytes[0] == OPTION_MSS && bytes[1] == MSS_BYTES) {
		if (bpf_skb_load_bytes(walk->ctx, offset, bytes, MSS_BYTES))
			return 1;
		walk->options->mss = bytes[2] << 8 | bytes[3];
	} else if (bytes[0] == OPTION_SCALE && bytes[1] == SCALE_BYTES) {
		if (bpf_skb_load_bytes(walk->ctx, offset, bytes, SCALE_BYTES))
			return 1;
		walk->options->scale = bytes[2] < SCALE_MAX ? bytes[2] : SCALE_MAX;
	} else if (bytes[0] == OPTION_SACK_OK && bytes[1] == SACK_OK_BYTES) {
		walk->options->sack = 1;
	} else if (bytes[0] == OPTION_TIMESTAMPS && bytes[1] == TIMESTAMPS_BYTES) {
		if (bpf_skb_load_bytes(walk->ctx, offset + 2, times, sizeof(times)))
			return 1;
		walk->options->time = bpf_ntohl(times[0]);
		walk->options->echo = bpf_ntohl(times[1]);
		walk->options->timed = 1;
	}
	return 0;
}

/* Not static: see find_options(). */
__noinline int read_options(struct __sk_buff *ctx, __u32 tcp_header_bytes,
			    struct handshake_options *options)
{
	struct handshake_walk walk = {
		.ctx = ctx,
		.options = options,
		.offset = OPTIONS_OFFSET,
		.end = TCP_OFFSET + tcp_header_bytes,
	};

	if (!options)
		return -1;
	__builtin_memset(options, 0, sizeof(*options));
	options->scale = NO_SCALE;
	bpf_loop(OPTIONS_MAX, read_option, &walk, 0);
	return 0;
}

static __always_inline void fill_options(__be32 *words, const struct handshake_options *o)
{
	words[0] = bpf_htonl(o->mss ? OPTION_MSS << 24 | MSS_BYTES << 16 | o->mss : NOPS);
	words[1] = bpf_htonl(
		(o->sack ? OPTION_SACK_OK << 24 | SACK_OK_BYTES << 16 : NOPS & 0xffff0000) |
		(o->timed ? OPTION_TIMESTAMPS << 8 | TIMESTAMPS_BYTES : NOPS & 0xffff));
	words[2] = bpf_htonl(o->timed ? o->time : NOPS);
	words[3] = bpf_htonl(o->timed ? o->echo : NOPS);
	words[4] = bpf_htonl(o->scale == NO_SCALE ? NOPS
						  : OPTION_NOP << 24 | OPTION_SCALE << 16 |
							    SCALE_BYTES << 8 | o->scale);
}

static __always_inline void fill_link(struct ethhdr *to, const struct ethhdr *received,
				      int goes_back)
{
	__builtin_memcpy(to->h_dest, goes_back ? received->h_source : received->h_dest, ETH_ALEN);
	__builtin_memcpy(to->h_source, goes_back ? received->h_dest : received->h_source, ETH_ALEN);
	to->h_proto = received->h_proto;
}

static __always_inline void fill_ip(struct iphdr *ip, const struct handshake *h)
{
	ip->version = 4;
	ip->ihl = IP_BYTES / 4;
	ip->tos = h->tos;
	ip->tot_len = bpf_htons(IP_BYTES + HANDSHAKE_TCP_BYTES);
	ip->frag_off = bpf_htons(IP_DONT_FRAGMENT); /* so its ID may be 0 (RFC 6864) */
	ip->ttl = h->ttl;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = h->flow.source_addr;
	ip->daddr = h->flow.destination_addr;
	ip->check = ~words_sum(ip, IP_BYTES);
}

static __always_inline void fill_tcp(struct handshake_frame *frame, const struct handshake *h,
				     int partial)
{
	struct tcphdr *tcp = &frame->tcp;
	__u16 pseudo;

	tcp->source = h->flow.source_port;
	tcp->dest = h->flow.destination_port;
	tcp->seq = bpf_htonl(h->sequence);
	tcp->ack_seq = bpf_htonl(h->acknowledgement);
	tcp->doff = HANDSHAKE_TCP_BYTES / 4;
	((__u8 *)tcp)[13] = h->flags;
	tcp->window = bpf_htons(h->window);
	fill_options(frame->options, &h->options);
	pseudo = pseudo_sum(frame->ip.saddr, frame->ip.daddr, HANDSHAKE_TCP_BYTES);
	/* A partial checksum holds the pseudo header's sum; the NIC adds the rest. */
	tcp->check = partial ? pseudo
			     : (__u16)~fold((__u64)pseudo + words_sum(tcp, HANDSHAKE_TCP_BYTES));
}

/* Returns 0 with the frame being that segment, -1 when a helper failed. */
static __noinline int turn_into_handshake(struct __sk_buff *ctx, const struct handshake *h)
{
	struct handshake_frame frame = {};
	struct ethhdr received;
	int partial;

	if (bpf_skb_load_bytes(ctx, 0, &received, sizeof(received)))
		return -1;
	partial = cut_frame(ctx, HANDSHAKE_FRAME_BYTES);
	if (partial < 0)
		return -1;
	fill_link(&frame.ethernet, &received, h->goes_back);
	fill_ip(&frame.ip, h);
	fill_tcp(&frame, h, partial);
	return bpf_skb_store_bytes(ctx, 0, &frame.ethernet, HANDSHAKE_FRAME_BYTES,
				   BPF_F_RECOMPUTE_CSUM);
}

#endif
