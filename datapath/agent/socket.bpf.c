// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* socket.bpf.c: gives accept() and getpeername() the client's address; no packet is changed. */
#include "socket/learn.h"
#include "socket/listeners.h"
#include "socket/show.h"

SEC("sockops")
int socket_events(struct bpf_sock_ops *ctx)
{
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		save_syns(ctx);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		learn_client(ctx);
		break;
	case BPF_SOCK_OPS_PARSE_HDR_OPT_CB:
		learn_late(ctx);
		break;
	}
	return 1;
}

SEC("cgroup/getpeername4")
int socket_peer4(struct bpf_sock_addr *ctx)
{
	show_client4(ctx);
	return 1;
}

SEC("cgroup/getpeername6")
int socket_peer6(struct bpf_sock_addr *ctx)
{
	show_client6(ctx);
	return 1;
}

/* Run once in every network namespace: listeners that are open already save SYNs, too. */
SEC("iter/tcp")
int cover_listeners(struct bpf_iter__tcp *ctx)
{
	struct tcp_sock *listener = listener_at(ctx);

	if (listener)
		cover(listener);
	return 0;
}

/* The same, to leave them as they were. */
SEC("iter/tcp")
int uncover_listeners(struct bpf_iter__tcp *ctx)
{
	struct tcp_sock *listener = listener_at(ctx);

	if (listener)
		uncover(listener);
	return 0;
}

/* Writes a struct client_record for every socket whose client is known, of all namespaces. */
SEC("iter/bpf_sk_storage_map")
int list_clients(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	write_record(ctx);
	return 0;
}

/* The kernel's helpers demand a GPL-compatible licence; the texts are in LICENSE and LICENSES/. */
char _license[] SEC("license") = "GPL";
