// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* balancer.bpf.c: full NAT between clients and backends, at tc ingress. */
#include "../lib/packet.h"
#include "../lib/reset.h"
#include "../lib/sweep.h"
#include "../lib/verdict.h"
#include "open.h"

/* RESET_x and DROP_x are the same refusal in two tones, five apart. */
#define RESET_TO_DROP (VERDICT_DROP_UNKNOWN - VERDICT_RESET_UNKNOWN)

static __always_inline struct listener *find_listener(const struct packet *p)
{
	struct endpoint4 key = {
		.addr = p->flow.destination_addr,
		.port = p->flow.destination_port,
		.protocol = IPPROTO_TCP,
	};

	return bpf_map_lookup_elem(&listeners, &key);
}

static __always_inline int is_for_local(const struct packet *p)
{
	__be32 addr = p->flow.destination_addr;

	return bpf_map_lookup_elem(&locals_by_addr, &addr) != 0;
}

/* A packet whose tuple has a session. */
static __always_inline enum verdict known(struct packet *p, struct session_entry *entry)
{
	if (p->ttl <= 1)
		return VERDICT_DROP_TTL; /* what ends here changes nothing */
	if (is_opening_syn(p) && !(entry->flags & ENTRY_BACK)) {
		struct session_slot *slot = get_slot(entry->slot);

		if (!slot || !reopen_if_resting(p, entry, slot))
			return VERDICT_DROP_RACE;
	}
	note_packet(p, entry);
	return translate(p, entry);
}

static __always_inline int takes_new(const struct session_entry *entry)
{
	__u32 index = entry->backend;
	struct backend *backend = bpf_map_lookup_elem(&backends, &index);

	return backend && backend->used && !backend->out;
}

/*
 * A SYN on a resting session is a new connection, and admitted like one. Returns the
 * entry when it can be taken up again; null when the SYN has to open another session,
 * or is to be refused.
 */
static __always_inline struct session_entry *admit(struct packet *p, struct session_entry *entry)
{
	struct session_slot *slot = get_slot(entry->slot);
	struct listener *listener;
	__u32 word;

	if (p->ttl <= 1 || !slot || !is_resting(STATE_OF(slot->word)))
		return entry;
	listener = find_listener(p);
	if (listener && is_over_limit(listener))
		return 0;
	if (listener && takes_new(entry))
		return entry;
	word = slot->word;
	if (!is_resting(STATE_OF(word)) || !swap_word(slot, word, STATE_DEAD))
		return entry;
	bury(slot, entry->slot);
	return 0;
}

/* Says which tone a refusal takes; other verdicts stay as they are. */
static __always_inline enum verdict refuse(const struct packet *p, enum verdict verdict, __u32 tone)
{
	if (verdict < VERDICT_RESET_UNKNOWN || verdict > VERDICT_RESET_LISTENER_LIMIT)
		return verdict;
	/* A RST is never answered with a RST (RFC 9293 section 3.10.7.1). */
	if (tone == REFUSE_DROP || (p->flags & RST))
		return verdict + RESET_TO_DROP;
	return verdict;
}

/* A packet to a listener that no session has; VERDICT_PASS when it has one now. */
static __always_inline enum verdict unknown(struct packet *p, const struct listener *listener)
{
	struct traffic *counters;
	enum verdict verdict;

	if (!is_opening_syn(p))
		return refuse(p, VERDICT_RESET_UNKNOWN, listener->on_unknown);
	if (p->ttl <= 1)
		return VERDICT_DROP_TTL;
	verdict = open_session(p, listener);
	if (verdict == VERDICT_PASS)
		return verdict;
	counters = listener_counters(listener->index);
	if (counters)
		counters->refused += 1;
	return refuse(p, verdict, listener->on_refused);
}

static __always_inline enum verdict decide_tcp(struct packet *p)
{
	struct session_entry *entry = bpf_map_lookup_elem(&sessions, &p->flow);
	struct listener *listener;
	enum verdict verdict;

	if (entry && is_opening_syn(p) && !(entry->flags & ENTRY_BACK))
		entry = admit(p, entry);
	if (!entry) {
		listener = find_listener(p);
		if (!listener)
			return is_for_local(p) ? VERDICT_DROP_NO_SESSION : VERDICT_PASS;
		verdict = unknown(p, listener);
		if (verdict != VERDICT_PASS)
			return verdict;
		entry = bpf_map_lookup_elem(&sessions, &p->flow);
		if (!entry)
			return VERDICT_DROP_RACE;
	}
	return known(p, entry);
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

/* The one way out: counts the verdict and does what it says. */
static __always_inline int finish(struct packet *p, enum verdict verdict)
{
	int action = TC_ACT_SHOT;

	if (verdict == VERDICT_PASS) {
		action = TC_ACT_UNSPEC; /* other filters and the stack see it untouched */
	} else if (verdict == VERDICT_TO_BACKEND || verdict == VERDICT_TO_CLIENT) {
		action = p->action;
	} else if (verdict >= VERDICT_RESET_UNKNOWN && verdict <= VERDICT_RESET_LISTENER_LIMIT) {
		if (turn_into_reset(p))
			verdict = VERDICT_DROP_INTERNAL;
		else
			action = bpf_redirect(p->ctx->ifindex, 0);
	}
	count_verdict(verdict);
	return action;
}

SEC("tc")
int balancer_ingress(struct __sk_buff *ctx)
{
	struct packet p = { .ctx = ctx };
	enum parsed parsed = PARSED_NOT_IPV4;

	/* on a port of a bridge or in promiscuous mode others' frames come by */
	if (ctx->pkt_type == PACKET_HOST)
		parsed = parse_tcp4(&p);
	return finish(&p, parsed == PARSED_TCP ? decide_tcp(&p) : decide_odd(&p, parsed));
}

/* The kernel's helpers demand a GPL-compatible licence; the texts are in LICENSE and LICENSES/. */
char _license[] SEC("license") = "GPL";
