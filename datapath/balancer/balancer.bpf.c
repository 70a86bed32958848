// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * balancer.bpf.c: full NAT between clients and backends, at tc ingress.
 *
 * Two programs, so that what every packet needs stays small: `balancer_ingress` sends on
 * what has a session, `balancer_admit` decides about what has none, and makes one.
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
#include "translate.h"

enum stage { STAGE_INGRESS = 0, STAGE_ADMIT = 1, STAGE_COUNT = 2 };

int balancer_ingress(struct __sk_buff *ctx);
int balancer_admit(struct __sk_buff *ctx);

/* Pinned like every map: the kernel empties it when nothing in user space holds it. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_COUNT);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} stages SEC(".maps") = {
	.values = {
		[STAGE_INGRESS] = (void *)&balancer_ingress,
		[STAGE_ADMIT] = (void *)&balancer_admit,
	},
};

/* True when the packet has no session yet, or is a SYN to take a resting one up again. */
static __always_inline int needs_admission(const struct packet *p,
					   const struct session_entry *entry)
{
	struct session_slot *slot;

	if (!entry)
		return 1;
	if (!is_opening_syn(p) || (entry->flags & ENTRY_BACK))
		return 0;
	slot = get_slot(entry->slot);
	return slot && !is_live(STATE_OF(slot->word));
}

/* Packets that cannot be translated: ours are dropped by name, others pass. */
static __always_inline enum verdict decide_odd(struct packet *p, enum parsed parsed)
{
	int local;

	if (parsed == PARSED_NOT_IPV4)
		return VERDICT_PASS;
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
		return VERDICT_DROP_TTL; /* what ends here changes nothing */
	note_packet(p, entry);
	return translate(p, entry);
}

/* The one way out: counts the verdict and does what it says. */
static __always_inline int finish(const struct packet *p, enum verdict verdict)
{
	count_verdict(verdict);
	switch (verdict) {
	case VERDICT_PASS:
		return TC_ACT_UNSPEC; /* other filters and the stack see it untouched */
	case VERDICT_TO_BACKEND:
	case VERDICT_TO_CLIENT:
		return p->action;
	default:
		return TC_ACT_SHOT;
	}
}

/* The same for who may be answered with a RST: it goes back where the packet came from. */
static __always_inline int answer(struct packet *p, enum verdict verdict)
{
	if (!is_reset(verdict))
		return finish(p, verdict);
	if (turn_into_reset(p))
		return finish(p, VERDICT_DROP_INTERNAL);
	count_verdict(verdict);
	return bpf_redirect(p->ctx->ifindex, 0);
}

SEC("tc")
int balancer_ingress(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };
	enum parsed parsed = PARSED_NOT_IPV4;
	struct session_entry *entry;

	/* on a port of a bridge or in promiscuous mode others' frames come by */
	if (ctx->pkt_type == PACKET_HOST)
		parsed = parse_tcp4(&p);
	if (parsed != PARSED_TCP)
		return finish(&p, decide_odd(&p, parsed));
	entry = bpf_map_lookup_elem(&sessions, &p.flow);
	if (!needs_admission(&p, entry))
		return finish(&p, known(&p, entry));
	bpf_tail_call(ctx, &stages, STAGE_ADMIT);
	return finish(&p, VERDICT_DROP_INTERNAL);
}

SEC("tc")
int balancer_admit(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };
	enum verdict verdict = VERDICT_DROP_INTERNAL;

	if (parse_tcp4(&p) == PARSED_TCP)
		verdict = admit(&p);
	if (verdict == VERDICT_TO_BACKEND) {
		bpf_tail_call(ctx, &stages, STAGE_INGRESS);
		verdict = VERDICT_DROP_INTERNAL;
	}
	return answer(&p, verdict);
}

/* The kernel's helpers demand a GPL-compatible licence; the texts are in LICENSE and LICENSES/. */
char _license[] SEC("license") = "GPL";
