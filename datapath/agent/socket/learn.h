/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * learn.h: who the client of a new connection is.
 *
 * The SYN is read back from where the kernel saved it. When it told nothing (no room
 * for TOA, or a SYN cookie, for which nothing is saved) the segment that completes
 * the handshake is read, and after it those up to the first data.
 */
#ifndef FULLNAT_SOCKET_LEARN_H
#define FULLNAT_SOCKET_LEARN_H

#include "options.h"

#define NOW_TICKS() ((__u32)(bpf_ktime_get_ns() >> TICK_SHIFT))

/* IPv4 packets on a socket of either family; false for IPv6. */
static __always_inline int is_ipv4(const struct bpf_sock_ops *ctx)
{
	return ctx->family == ADDRESS_FAMILY_IPV4 ||
	       (ctx->family == ADDRESS_FAMILY_IPV6 && ctx->remote_ip6[0] == 0 &&
		ctx->remote_ip6[1] == 0 && ctx->remote_ip6[2] == bpf_htonl(0xffff));
}

/* The connection's tuple as the server receives it. */
static __always_inline struct flow4 flow_of(const struct bpf_sock_ops *ctx)
{
	return (struct flow4){
		.source_addr = ctx->remote_ip4,
		.destination_addr = ctx->local_ip4,
		/* The kernel has both as 32-bit words: one in wire order, one in ours. */
		.source_port = bpf_htons(bpf_ntohl(ctx->remote_port)),
		.destination_port = bpf_htons(ctx->local_port),
		.protocol = IPPROTO_TCP,
	};
}

static __always_inline int is_ipv4_client(const struct option_walk *walk)
{
	const __u32 *words = (const __u32 *)walk->addr;

	return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

static __always_inline void remember(struct bpf_sock_ops *ctx, const struct flow4 *flow,
				     const struct option_walk *walk, __u8 source)
{
	struct client client = {
		.flow = *flow, .port = walk->port, .source = source, .since = NOW_TICKS()
	};
	struct bpf_sock *sk = ctx->sk;

	__builtin_memcpy(client.addr, walk->addr, sizeof(client.addr));
	if (!sk || !bpf_sk_storage_get(&clients, sk, &client, BPF_SK_STORAGE_GET_F_CREATE)) {
		count_socket_note(SOCKET_NOTE_CLIENT_NO_MEMORY);
		return;
	}
	count_socket_note(SOCKET_NOTE_CLIENT_FROM_SYN + source);
	if (ctx->family == ADDRESS_FAMILY_IPV4 && !is_ipv4_client(walk))
		count_socket_note(SOCKET_NOTE_CLIENT_NOT_SHOWABLE);
}

static __always_inline void watch_segments(struct bpf_sock_ops *ctx, int on)
{
	__u32 flags = ctx->bpf_sock_ops_cb_flags & ~BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG;

	bpf_sock_ops_cb_flags_set(ctx, on ? flags | BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG : flags);
}

/* A handshake is complete; nobody has accepted the connection yet. */
static __always_inline void learn_client(struct bpf_sock_ops *ctx)
{
	struct option_walk walk = {};
	struct flow4 flow;
	__u8 source = CLIENT_FROM_SYN;
	int found, trusted, saved;

	flow = flow_of(ctx);
	if (!is_ipv4(ctx) || !is_covered(flow.destination_addr, flow.destination_port))
		return;
	trusted = is_trusted_local(flow.source_addr);
	saved = read_saved_syn(ctx, &walk);
	found = saved && find_toa(&walk);
	if (!found && read_segment(ctx, &walk)) {
		walk.offset = 0;
		found = find_toa(&walk);
		source = CLIENT_FROM_HANDSHAKE;
	}
	if (!trusted) {
		if (found)
			count_socket_note(SOCKET_NOTE_CLIENT_UNTRUSTED);
		return;
	}
	if (!saved)
		count_socket_note(SOCKET_NOTE_SYN_NOT_SAVED);
	if (found) {
		remember(ctx, &flow, &walk, source);
	} else {
		count_socket_note(SOCKET_NOTE_CLIENT_UNKNOWN);
		watch_segments(ctx, 1);
	}
}

/* True when this connection's segments are watched because we asked for it: other
 * programs may have asked, for connections of anybody. */
static __always_inline int is_watched(struct bpf_sock_ops *ctx, const struct flow4 *flow)
{
	struct bpf_sock *sk = ctx->sk;

	return sk && is_ipv4(ctx) && is_covered(flow->destination_addr, flow->destination_port) &&
	       is_trusted_local(flow->source_addr) && !bpf_sk_storage_get(&clients, sk, 0, 0);
}

/* A segment of a connection whose client is not known yet; data ends the search. */
static __always_inline void learn_late(struct bpf_sock_ops *ctx)
{
	struct option_walk walk = {};
	struct flow4 flow = flow_of(ctx);

	if (!is_watched(ctx, &flow))
		return;
	if (ctx->bytes_received == 0 && read_segment(ctx, &walk)) {
		int found = find_toa(&walk);

		if (found)
			remember(ctx, &flow, &walk, CLIENT_FROM_LATER);
		else if (ctx->skb_len == TCP_HEADER_BYTES + walk.length)
			return; /* a bare ACK: there may be another */
	}
	watch_segments(ctx, 0);
}

#endif
