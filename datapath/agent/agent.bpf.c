// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* agent.bpf.c: puts the client's address back in front of a server, at tc, both ways. */
#include "../lib/packet.h"
#include "../lib/sweep.h"
#include "../lib/verdict.h"
#include "from_server.h"
#include "icmp.h"
#include "to_server.h"

/* From a trusted local to a server, but not to be translated: dropped by name.
 * Everybody else's odd packets are none of our business. */
static __always_inline enum verdict decide_odd(struct packet *p, enum parsed parsed)
{
	if (parsed == PARSED_NOT_IPV4 || parsed == PARSED_NOT_TCP ||
	    parsed == PARSED_LATER_FRAGMENT ||
	    !find_server(p->flow.destination_addr, p->flow.destination_port) ||
	    !is_trusted(p->flow.source_addr))
		return VERDICT_PASS;
	switch (parsed) {
	case PARSED_BAD_CHECKSUM:
		return VERDICT_DROP_BAD_CHECKSUM;
	case PARSED_IP_OPTIONS:
		return VERDICT_DROP_IP_OPTIONS;
	case PARSED_FIRST_FRAGMENT:
		return VERDICT_DROP_FRAGMENT;
	default:
		return VERDICT_DROP_MALFORMED;
	}
}

/* The one way out: counts the verdict. The bridge or the stack sends the packet on. */
static __always_inline int finish(enum verdict verdict)
{
	count_verdict(verdict);
	switch (verdict) {
	case VERDICT_PASS:
	case VERDICT_KEPT:
	case VERDICT_TO_BACKEND:
	case VERDICT_TO_CLIENT:
	case VERDICT_ERROR_TO_BACKEND:
	case VERDICT_ERROR_TO_CLIENT:
		return TC_ACT_UNSPEC;
	default:
		return TC_ACT_SHOT;
	}
}

static __always_inline int is_icmp(const struct packet *p, enum parsed parsed)
{
	return parsed == PARSED_NOT_TCP && p->flow.protocol == IPPROTO_ICMP;
}

SEC("tc")
int agent_to_server(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };
	enum parsed parsed = parse_tcp4(&p);

	if (parsed == PARSED_TCP)
		return finish(decide_to_server(&p));
	if (is_icmp(&p, parsed))
		bpf_tail_call(ctx, &stages, STAGE_ICMP_TO_SERVER); /* does not return */
	return finish(decide_odd(&p, parsed));
}

SEC("tc")
int agent_from_server(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };
	enum parsed parsed = parse_tcp4(&p);

	if (parsed == PARSED_TCP)
		return finish(decide_from_server(&p));
	if (is_icmp(&p, parsed))
		bpf_tail_call(ctx, &stages, STAGE_ICMP_FROM_SERVER); /* does not return */
	return finish(VERDICT_PASS);
}

/* Reached from the two above: an ICMP packet. */
SEC("tc")
int agent_icmp_to_server(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };

	return finish(parse_tcp4(&p) == PARSED_NOT_TCP ? decide_icmp(&p, 0) : VERDICT_PASS);
}

SEC("tc")
int agent_icmp_from_server(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };

	return finish(parse_tcp4(&p) == PARSED_NOT_TCP ? decide_icmp(&p, ENTRY_BACK)
						       : VERDICT_PASS);
}

/* The kernel's helpers demand a GPL-compatible licence; the texts are in LICENSE and LICENSES/. */
char _license[] SEC("license") = "GPL";
