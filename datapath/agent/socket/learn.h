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

/* The two ends of a connection, as keys: whom it comes from, and which server it is for. */
struct ends {
	struct prefix6 peer;
	struct endpoint6 server;
};

/* Read now, and once: where two branches read each its own word, the compiler makes one read
 * of a computed place, and the kernel allows none in its context. */
#define WORD_OF(field) (*(volatile __u32 *)&(field))

static __always_inline void find_ends(struct bpf_sock_ops *ctx, struct ends *ends)
{
	__be32 peer4 = WORD_OF(ctx->remote_ip4), own4 = WORD_OF(ctx->local_ip4);
	__be32 peer3 = WORD_OF(ctx->remote_ip6[3]), own3 = WORD_OF(ctx->local_ip6[3]);
	int is_ipv6 = ctx->family == ADDRESS_FAMILY_IPV6;

	ends->peer.bits = 128;
	if (is_ipv6) {
		ends->peer.addr[0] = ctx->remote_ip6[0];
		ends->peer.addr[1] = ctx->remote_ip6[1];
		ends->server.addr[0] = ctx->local_ip6[0];
		ends->server.addr[1] = ctx->local_ip6[1];
	}
	ends->peer.addr[2] = is_ipv6 ? ctx->remote_ip6[2] : IPV4_MAPPED;
	ends->server.addr[2] = is_ipv6 ? ctx->local_ip6[2] : IPV4_MAPPED;
	ends->peer.addr[3] = is_ipv6 ? peer3 : peer4;
	ends->server.addr[3] = is_ipv6 ? own3 : own4;
	ends->server.port = bpf_htons(ctx->local_port);
	ends->server.protocol = IPPROTO_TCP;
}

static __always_inline void remember(struct bpf_sock_ops *ctx, const struct option_walk *walk,
				     __u8 source)
{
	struct client client = { .port = walk->port, .source = source, .since = NOW_TICKS() };
	struct bpf_sock *sk = ctx->sk;

	__builtin_memcpy(client.addr, walk->addr, sizeof(client.addr));
	if (!sk || !bpf_sk_storage_get(&clients, sk, &client, BPF_SK_STORAGE_GET_F_CREATE)) {
		count_socket_note(SOCKET_NOTE_CLIENT_NO_MEMORY);
		return;
	}
	count_socket_note(SOCKET_NOTE_CLIENT_FROM_SYN + source);
	if (ctx->family == ADDRESS_FAMILY_IPV4 && !is_ipv4_mapped(client.addr))
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
	struct ends ends = {};
	__u8 source = CLIENT_FROM_SYN;
	int found, trusted, saved;

	find_ends(ctx, &ends);
	if (!is_covered(&ends.server))
		return;
	trusted = is_trusted_local(&ends.peer);
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
		remember(ctx, &walk, source);
	} else {
		count_socket_note(SOCKET_NOTE_CLIENT_UNKNOWN);
		watch_segments(ctx, 1);
	}
}

/* True when this connection's segments are watched because we asked for it: other
 * programs may have asked, for connections of anybody. */
static __always_inline int is_watched(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct ends ends = {};

	find_ends(ctx, &ends);
	return sk && is_covered(&ends.server) && is_trusted_local(&ends.peer) &&
	       !bpf_sk_storage_get(&clients, sk, 0, 0);
}

/* A segment of a connection whose client is not known yet; data ends the search. */
static __always_inline void learn_late(struct bpf_sock_ops *ctx)
{
	struct option_walk walk = {};

	if (!is_watched(ctx))
		return;
	if (ctx->bytes_received == 0 && read_segment(ctx, &walk)) {
		int found = find_toa(&walk);

		if (found)
			remember(ctx, &walk, CLIENT_FROM_LATER);
		else if (ctx->skb_len == TCP_HEADER_BYTES + walk.length)
			return; /* a bare ACK: there may be another */
	}
	watch_segments(ctx, 0);
}

#endif
