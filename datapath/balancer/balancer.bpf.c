// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * balancer.bpf.c: full NAT between clients and backends, at tc ingress.
 *
 * Two programs, so that what every packet needs stays small: `balancer_ingress` sends on
 * what has a session, `balancer_admit` decides about what has none, and makes one. Two more
 * for what is rare: `balancer_icmp`, and `balancer_answer` for ICMP errors of our own.
 *
 *            session                       SYN: session made, come again
 *   packet ──▶ balancer_ingress ──▶ out    ┌────────────────────────────┐
 *                    │ none                ▼                            │
 *                    └──────────────▶ balancer_admit ──▶ RST, drop, pass┘
 */
#include "../lib/packet.h"
#include "../lib/sweep.h"
#include "../lib/verdict.h"
#include "admit.h"
#include "answer.h"
#include "end.h"
#include "cookie_session.h"
#include "icmp.h"
#include "outcomes.h"
#include "translate.h"
#include "trouble.h"

/* True when the packet has no session yet, or is a SYN that begins anew. */
static __always_inline int needs_admission(const struct packet *p,
					   const struct session_entry *entry)
{
	struct session_slot *slot;

	if (!entry)
		return 1;
	if (!is_opening_syn(p) || (entry->flags & ENTRY_BACK))
		return 0;
	slot = get_slot(entry->slot);
	return slot && !keeps_syn(entry, STATE_OF(slot->word));
}

/* Packets that cannot be translated: ours are dropped by name, others pass. */
static __always_inline enum verdict decide_odd(struct packet *p, enum parsed parsed)
{
	int local;

	if (parsed == PARSED_NOT_IPV4)
		return VERDICT_PASS;
	if (parsed == PARSED_NOT_TCP && p->flow.protocol == IPPROTO_ICMP)
		bpf_tail_call(p->ctx, &stages, STAGE_ICMP); /* does not return */
	local = is_for_local(p);
	if (parsed == PARSED_NOT_TCP)
		return local ? VERDICT_DROP_LOCAL_NOT_TCP : VERDICT_PASS;
	if (parsed == PARSED_LATER_FRAGMENT)
		return local ? VERDICT_DROP_LATER_FRAGMENT : VERDICT_PASS;
	if (!local && !find_listener(p))
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

/* A packet whose tuple has a session. */
static __always_inline enum verdict known(struct packet *p, struct session_entry *entry)
{
	if (p->ttl <= 1)
		return VERDICT_ANSWER_TTL; /* what ends here changes nothing */
	if (!is_plain_data(p, entry)) {
		end_if_over(p, entry);
		note_trouble(p, entry);
	}
	count_spliced(p, entry);
	note_outcome(p, entry);
	return translate(p, entry);
}

/* The one way out: counts the verdict and does what it says. */
static __always_inline int finish(const struct packet *p, enum verdict verdict)
{
	count_verdict(verdict);
	/* other filters and the stack see it untouched */
	return verdict == VERDICT_PASS ? TC_ACT_UNSPEC : p->action;
}

SEC("tc")
int balancer_ingress(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx, .action = TC_ACT_SHOT };
	enum parsed parsed = PARSED_NOT_IPV4;
	struct session_entry *entry;

	/* on a port of a bridge or in promiscuous mode others' frames come by */
	if (ctx->pkt_type == PACKET_HOST)
		parsed = parse_tcp4(&p);
	if (parsed != PARSED_TCP)
		return finish(&p, decide_odd(&p, parsed));
	entry = bpf_map_lookup_elem(&sessions, &p.flow);
	if (entry && is_for_splice(&p, entry)) {
		bpf_tail_call(ctx, &stages, STAGE_SPLICE);
		return finish(&p, VERDICT_DROP_INTERNAL);
	}
	if (!needs_admission(&p, entry))
		return finish(&p, answer_with_icmp(&p, known(&p, entry)));
	bpf_tail_call(ctx, &stages, STAGE_ADMIT);
	return finish(&p, VERDICT_DROP_INTERNAL);
}

SEC("tc")
int balancer_admit(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx, .action = TC_ACT_SHOT };
	enum verdict verdict = VERDICT_DROP_INTERNAL;

	if (parse_tcp4(&p) == PARSED_TCP)
		verdict = admit(&p);
	if (verdict == VERDICT_TO_BACKEND) {
		bpf_tail_call(ctx, &stages, STAGE_INGRESS);
		verdict = VERDICT_DROP_INTERNAL;
	}
	if (verdict == VERDICT_COOKIE) {
		bpf_tail_call(ctx, &stages, STAGE_COOKIE);
		verdict = VERDICT_DROP_INTERNAL;
	}
	return finish(&p, answer(&p, verdict));
}

SEC("tc")
int balancer_cookie(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx, .action = TC_ACT_SHOT };
	enum verdict verdict = VERDICT_DROP_INTERNAL;

	if (parse_tcp4(&p) == PARSED_TCP)
		verdict = decide_cookie(&p);
	if (verdict == VERDICT_TO_BACKEND) {
		bpf_tail_call(ctx, &stages, STAGE_INGRESS);
		verdict = VERDICT_DROP_INTERNAL;
	}
	return finish(&p, answer(&p, verdict));
}

SEC("tc")
int balancer_splice(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx, .action = TC_ACT_SHOT };
	enum verdict verdict = VERDICT_DROP_INTERNAL;

	if (parse_tcp4(&p) == PARSED_TCP)
		verdict = decide_splice(&p);
	if (verdict == VERDICT_TO_BACKEND || verdict == VERDICT_TO_CLIENT) {
		bpf_tail_call(ctx, &stages, STAGE_INGRESS);
		verdict = VERDICT_DROP_INTERNAL;
	}
	return finish(&p, answer(&p, verdict));
}

SEC("tc")
int balancer_icmp(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx, .action = TC_ACT_SHOT };

	return finish(&p, parse_tcp4(&p) == PARSED_NOT_TCP ? decide_icmp(&p) : VERDICT_PASS);
}

SEC("tc")
int balancer_answer(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx, .action = TC_ACT_SHOT };

	return finish(&p, send_answer(&p));
}

SEC("tc")
int balancer_end(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx, .action = TC_ACT_SHOT };

	return finish(&p, parse_tcp4(&p) == PARSED_TCP ? end_session(&p) : VERDICT_DROP_INTERNAL);
}

/*
 * Run by user space with a frame of its own, complete but for the link-layer header, which
 * is sent as if it had come by; 0 when it was. No raw socket, so no further right is needed.
 */
SEC("tc")
int send_frame(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };
	struct session_entry to = {};
	struct route r;

	if (parse_tcp4(&p) != PARSED_TCP)
		return 1;
	to.source_addr = p.flow.source_addr;
	to.destination_addr = p.flow.destination_addr;
	to.source_port = p.flow.source_port;
	to.destination_port = p.flow.destination_port;
	if (find_route(&p, &to, &r) != VERDICT_PASS || !r.is_resolved)
		return 2;
	if (bpf_skb_store_bytes(ctx, 0, &r.link, sizeof(r.link), 0))
		return 3;
	return bpf_clone_redirect(ctx, r.ifindex, 0) ? 4 : 0;
}

/* The kernel's helpers demand a GPL-compatible licence; the texts are in LICENSE and LICENSES/. */
char _license[] SEC("license") = "GPL";
