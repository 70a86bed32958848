/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* listeners.h: listeners that were open before the agent, found in one network namespace. */
#ifndef FULLNAT_SOCKET_LISTENERS_H
#define FULLNAT_SOCKET_LISTENERS_H

#include "maps.h"

#define TCP_SAVE_SYN 27 /* linux/tcp.h defines a struct of a name that we need */
#define STATE_LISTEN 10 /* TCP_LISTEN */
#define CGROUP_DEPTH_MAX 32

/* What is read of the kernel's structures; libbpf finds the offsets in its BTF. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};
struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
};
struct kernfs_node {
	__u64 id;
};
struct cgroup;
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};
struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};
struct sock_cgroup_data {
	struct cgroup *cgroup;
};
struct sock {
	struct sock_common __sk_common;
	struct sock_cgroup_data sk_cgrp_data;
};
struct inet_sock {
	struct sock sk;
};
struct inet_connection_sock {
	struct inet_sock icsk_inet;
};
struct tcp_sock {
	struct inet_connection_sock inet_conn;
};
struct bpf_iter_meta {
	void *seq;
};
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};
struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	void *map;
	struct sock *sk;
	void *value;
};
#pragma clang attribute pop

/* True when the socket was made in the cgroup the programs are attached to, or below it. */
static __always_inline int is_in_cgroup(struct tcp_sock *tcp, __u64 wanted)
{
	struct cgroup *cgroup = tcp->inet_conn.icsk_inet.sk.sk_cgrp_data.cgroup;
	int depth;

	for (depth = 0; depth < CGROUP_DEPTH_MAX; depth++) {
		struct cgroup_subsys_state *parent;

		if (!cgroup)
			return 0;
		if (cgroup->kn->id == wanted)
			return 1;
		parent = cgroup->self.parent;
		if (!parent)
			return 0;
		cgroup = parent->cgroup;
	}
	return 0;
}

static __always_inline struct tcp_sock *listener_at(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;

	if (!common || common->skc_state != STATE_LISTEN)
		return 0;
	return bpf_skc_to_tcp_sock(common);
}

/* Whoever asked first, a program or another agent, goes on; it is not ours to take back. */
static __always_inline void cover(struct tcp_sock *listener)
{
	struct socket_settings *settings = get_socket_settings();
	int one = 1, saves = 0;

	if (!settings || !is_in_cgroup(listener, settings->cgroup))
		return;
	if (bpf_getsockopt(listener, IPPROTO_TCP, TCP_SAVE_SYN, &saves, sizeof(saves)) == 0 &&
	    saves)
		return;
	if (bpf_setsockopt(listener, IPPROTO_TCP, TCP_SAVE_SYN, &one, sizeof(one)) == 0)
		bpf_sk_storage_get(&saving, listener, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

/* In whatever cgroup, but only where it was us who asked for it. */
static __always_inline void uncover(struct tcp_sock *listener)
{
	int zero = 0;

	if (!bpf_sk_storage_get(&saving, listener, 0, 0))
		return;
	bpf_setsockopt(listener, IPPROTO_TCP, TCP_SAVE_SYN, &zero, sizeof(zero));
	bpf_sk_storage_delete(&saving, listener);
}

/* A listener opens now. */
static __always_inline void save_syns(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	int one = 1, saves = 0;

	if (bpf_getsockopt(ctx, IPPROTO_TCP, TCP_SAVE_SYN, &saves, sizeof(saves)) == 0 && saves)
		return;
	if (sk && bpf_setsockopt(ctx, IPPROTO_TCP, TCP_SAVE_SYN, &one, sizeof(one)) == 0)
		bpf_sk_storage_get(&saving, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

#endif
