/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* route.h: where a translated packet goes, by the kernel's own routes and neighbours. */
#ifndef FULLNAT_ROUTE_H
#define FULLNAT_ROUTE_H

#include "packet.h"

#ifndef AF_INET
#define AF_INET 2
#endif

/* Ethernet's destination and source, as they lie in a frame. */
struct link_addresses {
	__u32 words[3];
};

/* The next hop of one packet. */
struct route {
	__u32 ifindex;
	__u32 mtu; /* 0: nobody said */
	__be32 gateway;
	__u8 is_resolved; /* the neighbour's address is known, and in `link` */
	__u8 is_asked;    /* the kernel is to use its neighbour itself: it looks after stale ones */
	struct link_addresses link;
};

/* What one packet will have when a super-packet has been cut. */
static __always_inline __u32 segment_bytes(const struct packet *p)
{
	__u32 payload = p->ctx->gso_size;

	return payload ? IP_BYTES + p->tcp_header_bytes + payload : p->ip_bytes;
}

/* Asks the FIB for the tuple in `to`; VERDICT_PASS means a route was found. */
static __noinline enum verdict find_route(const struct packet *p, const struct session_entry *to,
					  struct route *r)
{
	struct bpf_fib_lookup fib = {
		.family = AF_INET,
		.l4_protocol = IPPROTO_TCP,
		.sport = to->source_port,
		.dport = to->destination_port,
		.tos = p->tos,
		.ipv4_src = to->source_addr,
		.ipv4_dst = to->destination_addr,
		.ifindex = p->ctx->ingress_ifindex,
		/* with it the kernel looks at the route's MTU, not only at the device's */
		.tot_len = segment_bytes(p),
	};
	long result = bpf_fib_lookup(p->ctx, &fib, sizeof(fib), 0);

	r->ifindex = fib.ifindex;
	r->gateway = fib.ipv4_dst;
	r->is_resolved = result == BPF_FIB_LKUP_RET_SUCCESS;
	r->is_asked = fib.family == AF_INET; /* a route may lead through IPv6 (RFC 8950) */
	/* without a neighbour it is still tot_len: they share their place */
	r->mtu = result == BPF_FIB_LKUP_RET_NO_NEIGH ? 0 : fib.mtu_result;
	__builtin_memcpy(&r->link, fib.dmac, ETH_ALEN);
	__builtin_memcpy((__u8 *)&r->link + ETH_ALEN, fib.smac, ETH_ALEN);
	switch (result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
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
	struct bpf_redir_neigh next = { .nh_family = AF_INET, .ipv4_nh = r->gateway };
	void *data = (void *)(long)p->ctx->data, *data_end = (void *)(long)p->ctx->data_end;

	if (r->is_resolved) {
		if (data + sizeof(r->link) > data_end)
			return TC_ACT_SHOT;
		__builtin_memcpy(data, &r->link, sizeof(r->link));
	}
	if (r->is_asked)
		return bpf_redirect_neigh(r->ifindex, &next, sizeof(next), 0);
	return bpf_redirect(r->ifindex, 0);
}

#endif
