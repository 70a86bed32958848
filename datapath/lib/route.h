/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* route.h: where a translated packet goes, by the kernel's own routes and neighbours. */
#ifndef FULLNAT_ROUTE_H
#define FULLNAT_ROUTE_H

#include "packet.h"

#ifndef AF_INET
#define AF_INET 2
#endif

/* The next hop of one packet. */
struct route {
	struct bpf_fib_lookup fib;
	int resolved; /* the neighbour's address is known, and in fib */
};

/* What one packet will have when a super-packet has been cut. */
static __always_inline __u32 segment_bytes(const struct packet *p)
{
	__u32 payload = p->ctx->gso_size;

	return payload ? IP_BYTES + p->tcp_header_bytes + payload : p->ip_bytes;
}

/* Asks the FIB for the tuple in `to`; VERDICT_PASS means a route was found. */
static __always_inline enum verdict find_route(const struct packet *p,
					       const struct session_entry *to, struct route *r)
{
	struct bpf_fib_lookup *fib = &r->fib;
	long result;

	__builtin_memset(r, 0, sizeof(*r));
	fib->family = AF_INET;
	fib->l4_protocol = IPPROTO_TCP;
	fib->sport = to->source_port;
	fib->dport = to->destination_port;
	fib->tos = p->tos;
	fib->ipv4_src = to->source_addr;
	fib->ipv4_dst = to->destination_addr;
	fib->ifindex = p->ctx->ingress_ifindex;
	/* with a length the kernel compares it with the route's MTU, not only with the device's */
	fib->tot_len = segment_bytes(p);
	result = bpf_fib_lookup(p->ctx, fib, sizeof(*fib), 0);
	switch (result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		r->resolved = 1;
		return VERDICT_PASS;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		fib->mtu_result = 0; /* is still tot_len: they share their place */
		return VERDICT_PASS;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return VERDICT_DROP_TOO_BIG;
	default:
		return result < 0 ? VERDICT_DROP_INTERNAL : VERDICT_DROP_NO_ROUTE;
	}
}

/* Addresses the frame to the next hop; returns the tc action. */
static __always_inline int send_to(struct packet *p, const struct route *r)
{
	struct bpf_redir_neigh next = { .nh_family = AF_INET, .ipv4_nh = r->fib.ipv4_dst };
	void *data = (void *)(long)p->ctx->data, *data_end = (void *)(long)p->ctx->data_end;
	struct ethhdr *ethernet = data;

	if (!r->resolved) /* the kernel asks for the neighbour and queues the packet */
		return bpf_redirect_neigh(r->fib.ifindex, &next, sizeof(next), 0);
	if ((void *)(ethernet + 1) > data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(ethernet->h_dest, r->fib.dmac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, r->fib.smac, ETH_ALEN);
	return bpf_redirect(r->fib.ifindex, 0);
}

#endif
