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

	if (!client || !is_ipv4_mapped(client->addr))
		return;
	ctx->user_ip4 = client->addr[3];
	ctx->user_port = client->port;
}

static __always_inline void show_client6(struct bpf_sock_addr *ctx)
{
	struct client *client = client_of(ctx);

	if (!client)
		return;
	ctx->user_ip6[0] = client->addr[0];
	ctx->user_ip6[1] = client->addr[1];
	ctx->user_ip6[2] = client->addr[2];
	ctx->user_ip6[3] = client->addr[3];
	ctx->user_port = client->port;
}

static __always_inline void write_ends(struct client_record *record, struct sock_common *sk)
{
	if (sk->skc_family == ADDRESS_FAMILY_IPV6) {
		__builtin_memcpy(record->local_addr, sk->skc_v6_daddr.in6_u.u6_addr32, 16);
		__builtin_memcpy(record->server_addr, sk->skc_v6_rcv_saddr.in6_u.u6_addr32, 16);
	} else {
		record->local_addr[2] = record->server_addr[2] = IPV4_MAPPED;
		record->local_addr[3] = sk->skc_daddr;
		record->server_addr[3] = sk->skc_rcv_saddr;
	}
	record->local_port = sk->skc_dport;
	record->server_port = bpf_htons(sk->skc_num);
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
	write_ends(&record, &sk->__sk_common);
	record.state = sk->__sk_common.skc_state;
	record.network = sk->__sk_common.skc_net.net->ns.inum;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
}

#endif
