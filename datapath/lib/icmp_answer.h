/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * icmp_answer.h: turns the TCP packet at hand into the ICMP error that answers it.
 *
 *   0          14        34          42             62            82
 *   | Ethernet | IPv4    | ICMP      | quoted IPv4  | quoted TCP  |
 *
 * Like a RST it goes out of the interface and to the link-layer address that the
 * packet came from, and from the address that the packet was sent to: the only one of
 * ours that this end knows.
 */
#ifndef FULLNAT_ICMP_ANSWER_H
#define FULLNAT_ICMP_ANSWER_H

#include "cut.h"
#include "icmp.h"
#include "reset.h"

#define ANSWER_GROWTH (IP_BYTES + ICMP_BYTES)
#define ANSWER_FRAME_BYTES (OPTIONS_OFFSET + ANSWER_GROWTH)
#define INTERNETWORK_CONTROL 0xc0 /* precedence of ICMP errors (RFC 1812 section 4.3.2.5) */

struct icmp_answer {
	__u8 pad[2]; /* brings the IP headers to a multiple of four */
	struct ethhdr ethernet;
	struct iphdr ip;
	struct icmp_head icmp;
	struct iphdr quoted_ip;
	struct tcphdr quoted_tcp;
};

/* RFC 1122 section 3.2.2: no error to what is not one host's address. */
static __always_inline int is_one_host(__be32 addr)
{
	__u32 first = bpf_ntohl(addr) >> 24;

	return first != 0 && first != 127 && first < 224;
}

/*
 * The quotation's TCP checksum may be one that the card has yet to finish, and will
 * finish inside the ICMP message: the bytes from the TCP header on then sum up to the
 * complement of what stands in its place now.
 */
static __always_inline __u16 message_check(const struct icmp_answer *answer, int partial)
{
	__u64 sum = words_sum(&answer->icmp, ICMP_BYTES + IP_BYTES);

	sum += partial ? minus16(answer->quoted_tcp.check)
		       : words_sum(&answer->quoted_tcp, TCP_BYTES);
	return ~fold(sum);
}

static __always_inline void fill_answer(struct icmp_answer *answer, __u8 type, __u8 code, __u16 mtu)
{
	__u8 host[ETH_ALEN];

	__builtin_memcpy(host, answer->ethernet.h_source, ETH_ALEN);
	__builtin_memcpy(answer->ethernet.h_source, answer->ethernet.h_dest, ETH_ALEN);
	__builtin_memcpy(answer->ethernet.h_dest, host, ETH_ALEN);
	answer->ip.version = 4;
	answer->ip.ihl = IP_BYTES / 4;
	answer->ip.tos = INTERNETWORK_CONTROL;
	answer->ip.tot_len = bpf_htons(ANSWER_FRAME_BYTES - IP_OFFSET);
	answer->ip.frag_off = bpf_htons(IP_DONT_FRAGMENT); /* so its ID may be 0 (RFC 6864) */
	answer->ip.ttl = RESET_TTL;
	answer->ip.protocol = IPPROTO_ICMP;
	answer->ip.saddr = answer->quoted_ip.daddr;
	answer->ip.daddr = answer->quoted_ip.saddr;
	answer->ip.check = ~words_sum(&answer->ip, IP_BYTES);
	answer->icmp.type = type;
	answer->icmp.code = code;
	answer->icmp.mtu = bpf_htons(mtu);
}

/*
 * Returns 0 with the frame ready to be sent back, -1 when a helper failed. The head is
 * what grows: an unfinished checksum stays with its TCP header, now a quoted one.
 */
static __always_inline int turn_into_error(struct __sk_buff *ctx, __u8 type, __u8 code, __u16 mtu)
{
	struct icmp_answer answer = {};
	int partial;

	if (bpf_skb_load_bytes(ctx, 0, &answer.ethernet, sizeof(answer.ethernet)) ||
	    bpf_skb_load_bytes(ctx, IP_OFFSET, &answer.quoted_ip, IP_BYTES + TCP_BYTES))
		return -1;
	fill_answer(&answer, type, code, mtu);
	partial = cut_frame(ctx, OPTIONS_OFFSET);
	if (partial < 0 || bpf_skb_adjust_room(ctx, ANSWER_GROWTH, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	answer.icmp.check = message_check(&answer, partial);
	return bpf_skb_store_bytes(ctx, 0, &answer.ethernet, ANSWER_FRAME_BYTES,
				   BPF_F_RECOMPUTE_CSUM);
}

#endif
