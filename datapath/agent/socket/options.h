/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * options.h: TOA in the options of one TCP header, of either kind and layout, in
 * any order.
 *
 *    0       1       2               4                          8 or 20
 *   +-------+-------+---------------+-----------------------------+
 *   | 253/4 | 8/20  |  client port  |  client address, 4 or 16 B  |
 *   +-------+-------+---------------+-----------------------------+
 */
#ifndef FULLNAT_SOCKET_OPTIONS_H
#define FULLNAT_SOCKET_OPTIONS_H

#include "maps.h"

#define TCP_HEADER_BYTES 20
#define OPTIONS_MAX 40    /* 60 - 20, RFC 9293 section 3.1 */
#define TOA_KIND_IPV4 254 /* LVS; DPVS sends both layouts with it */
#define TOA_KIND_IPV6 253
#define TOA_BYTES_IPV4 8
#define TOA_BYTES_IPV6 20
#define OPTION_EOL 0
#define OPTION_NOP 1

/* The options of one segment, and a walk over them. On the stack, not in a per-CPU
 * map: a softirq may run these programs again in the middle of one of them. */
struct option_walk {
	__u8 bytes[64]; /* longer than options are: a TOA that begins at the last one ends inside */
	__u32 length, offset;
	__u32 found;
	__be16 port;
	__u8 addr[16] __attribute__((aligned(4))); /* IPv4 as ::ffff:a.b.c.d */
};

static __always_inline void take_address(struct option_walk *walk, __u32 offset, __u32 length)
{
	__u32 i;

	if (length == TOA_BYTES_IPV6) {
		for (i = 0; i < 16; i++)
			walk->addr[i] = walk->bytes[offset + 4 + i];
	} else {
		for (i = 0; i < 4; i++)
			walk->addr[12 + i] = walk->bytes[offset + 4 + i];
		walk->addr[10] = walk->addr[11] = 0xff;
	}
	walk->port = bpf_htons((walk->bytes[offset + 2] << 8) | walk->bytes[offset + 3]);
	walk->found = 1;
}

/* One option a step; 1 ends the walk. */
static int scan_option(__u32 step, struct option_walk *walk)
{
	__u32 offset = walk->offset;
	__u32 kind, length;

	if (offset >= OPTIONS_MAX || offset >= walk->length)
		return 1;
	kind = walk->bytes[offset];
	if (kind == OPTION_EOL)
		return 1;
	if (kind == OPTION_NOP) {
		walk->offset = offset + 1;
		return 0;
	}
	length = walk->bytes[offset + 1];
	if (length < 2 || offset + length > walk->length)
		return 1;
	walk->offset = offset + length;
	if ((kind != TOA_KIND_IPV4 && kind != TOA_KIND_IPV6) ||
	    (length != TOA_BYTES_IPV4 && length != TOA_BYTES_IPV6))
		return 0;
	take_address(walk, offset, length);
	return 1;
}

/* True when there is a TOA; the first one counts. */
static __always_inline int find_toa(struct option_walk *walk)
{
	bpf_loop(OPTIONS_MAX, scan_option, walk, 0);
	return walk->found;
}

/* The options of the SYN that opened this connection, when the listener saved it. */
static __always_inline int read_saved_syn(struct bpf_sock_ops *ctx, struct option_walk *walk)
{
	__u8 header[TCP_HEADER_BYTES + OPTIONS_MAX] = {};
	long bytes = bpf_getsockopt(ctx, IPPROTO_TCP, TCP_BPF_SYN, header, sizeof(header));

	if (bytes < TCP_HEADER_BYTES)
		return 0;
	__builtin_memcpy(walk->bytes, header + TCP_HEADER_BYTES, OPTIONS_MAX);
	walk->length = bytes - TCP_HEADER_BYTES;
	return 1;
}

/* The options of the segment at hand; its TCP header is what skb_data spans. */
static __always_inline int read_segment(struct bpf_sock_ops *ctx, struct option_walk *walk)
{
	const __u8 *data = ctx->skb_data, *end = ctx->skb_data_end;
	__u32 i;

	if (data + TCP_HEADER_BYTES > end)
		return 0;
	walk->length = 0;
	for (i = TCP_HEADER_BYTES; i < TCP_HEADER_BYTES + OPTIONS_MAX; i += 4) {
		if (data + i + 4 > end)
			break;
		__builtin_memcpy(walk->bytes + i - TCP_HEADER_BYTES, data + i, 4);
		walk->length = i + 4 - TCP_HEADER_BYTES;
	}
	return 1;
}

#endif
