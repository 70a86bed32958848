/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* show.h: what a program is told when it asks who is at the other end, and what people are. */
#ifndef FULLNAT_SOCKET_SHOW_H
#define FULLNAT_SOCKET_SHOW_H

#include "listeners.h"

static __always_inline struct client *client_of(struct bpf_sock_addr *ctx)
{
	return ctx->sk ? bpf_sk_storage_get(&clients, ctx->sk, 0, 0) : 0;
}

/* An IPv6 client has no IPv4 form: the socket goes on showing the local. */
static __always_inline void show_client4(struct bpf_sock_addr *ctx)
{
	struct client *client = client_of(ctx);
	const __u32 *words;

	if (!client)
		return;
	words = (const __u32 *)client->addr;
	if (words[0] != 0 || words[1] != 0 || words[2] != bpf_htonl(0xffff))
		return;
	ctx->user_ip4 = words[3];
	ctx->user_port = client->port;
}

static __always_inline void show_client6(struct bpf_sock_addr *ctx)
{
	struct client *client = client_of(ctx);
	const __u32 *words;

	if (!client)
		return;
	words = (const __u32 *)client->addr;
	ctx->user_ip6[0] = words[0];
	ctx->user_ip6[1] = words[1];
	ctx->user_ip6[2] = words[2];
	ctx->user_ip6[3] = words[3];
	ctx->user_port = client->port;
}

/* Nothing is written for a socket that is past its end. */
static __always_inline void write_record(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct client *client = ctx->value;
	struct sock *sk = ctx->sk;
	struct client_record record = {};

	if (!client || !sk)
		return;
	record.client = *client;
	record.state = sk->__sk_common.skc_state;
	record.network = sk->__sk_common.skc_net.net->ns.inum;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
}

#endif
