/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* options.h: where the TCP options lie that carry numbers of the connection. */
#ifndef FULLNAT_OPTIONS_H
#define FULLNAT_OPTIONS_H

#include "packet.h"

#define OPTION_EOL 0
#define OPTION_NOP 1
#define OPTION_SACK 5       /* RFC 2018 */
#define OPTION_TIMESTAMPS 8 /* RFC 7323 */
#define OPTIONS_MAX 40      /* 60 - 20, RFC 9293 section 3.1 */
#define TIMESTAMPS_BYTES 10
#define SACK_BLOCK_BYTES 8

/* How nearly every segment but SYNs begins its options: NOP NOP timestamps (RFC 7323 appendix A). */
#define USUAL_OPTIONS 0x0101080a
#define USUAL_TIMESTAMPS (OPTIONS_OFFSET + 4)
#define USUAL_BYTES 12

/* Offsets in the frame; 0 where there is no such option. */
struct option_places {
	__u32 timestamps; /* of TSval; TSecr follows */
	__u32 sack;       /* of the first edge */
	__u32 sack_edges;
};

struct option_walk {
	struct __sk_buff *ctx;
	struct option_places *at;
	__u32 offset, end;
};

/* One option a step; 1 ends the walk. */
static __always_inline int place_option(struct option_walk *walk)
{
	__u32 offset = walk->offset, length;
	__u8 head[2] = {};

	if (offset >= walk->end)
		return 1;
	if (bpf_skb_load_bytes(walk->ctx, offset, head, offset + 1 < walk->end ? 2 : 1))
		return 1;
	if (head[0] == OPTION_EOL)
		return 1;
	if (head[0] == OPTION_NOP) {
		walk->offset = offset + 1;
		return 0;
	}
	length = head[1];
	if (length < 2 || offset + length > walk->end)
		return 1;
	if (head[0] == OPTION_TIMESTAMPS && length == TIMESTAMPS_BYTES) {
		walk->at->timestamps = offset + 2;
	} else if (head[0] == OPTION_SACK) {
		walk->at->sack = offset + 2;
		walk->at->sack_edges = (length - 2) / SACK_BLOCK_BYTES * 2;
	}
	walk->offset = offset + length;
	return 0;
}

/*
 * Not static, so that the verifier looks at it once and not for each of its callers:
 * arguments are what it can check by type.
 */
__noinline int find_options(struct __sk_buff *ctx, __u32 tcp_header_bytes, struct option_places *at)
{
	struct option_walk walk = {
		.ctx = ctx,
		.at = at,
		.offset = OPTIONS_OFFSET,
		.end = TCP_OFFSET + tcp_header_bytes,
	};
	__be32 first;

	if (!at)
		return -1;
	__builtin_memset(at, 0, sizeof(*at));
	if (walk.end < OPTIONS_OFFSET + USUAL_BYTES ||
	    bpf_skb_load_bytes(ctx, OPTIONS_OFFSET, &first, sizeof(first)))
		first = 0;
	if (first == bpf_htonl(USUAL_OPTIONS)) {
		at->timestamps = USUAL_TIMESTAMPS;
		walk.offset += USUAL_BYTES;
	}
	for (int i = 0; i < OPTIONS_MAX; i++) /* no bpf_loop: its callback costs a frame of stack */
		if (place_option(&walk))
			break;
	return 0;
}

/* The packet's TSval; -1 when it has none. */
static __always_inline int read_timestamp(struct __sk_buff *ctx, __u32 tcp_header_bytes,
					  __u32 *time)
{
	struct option_places at = {};
	__be32 word;

	*time = 0;
	find_options(ctx, tcp_header_bytes, &at);
	if (!at.timestamps || bpf_skb_load_bytes(ctx, at.timestamps, &word, sizeof(word)))
		return -1;
	*time = bpf_ntohl(word);
	return 0;
}

#endif
