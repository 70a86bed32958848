/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * admission.h: whether a SYN may open a session: asked before anything is taken for it,
 * and of nothing else. What keeps no count comes first, and what one client asks too
 * much is taken from its own bucket before it is taken from everyone's.
 */
#ifndef FULLNAT_BALANCER_ADMISSION_H
#define FULLNAT_BALANCER_ADMISSION_H

#include "clients.h"
#include "../lib/rate.h"

/* An event about the SYN at hand; written in place, for the stack is nearly full here. */
static __noinline void report(const struct packet *p, __u32 type, __u32 listener, __u32 backend,
			      __u32 local)
{
	struct event *e;

	if (!is_event_due(type, p->now))
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_note(NOTE_EVENT_LOST);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = bpf_ktime_get_ns();
	e->type = type;
	e->listener = listener;
	e->backend = backend;
	e->local = local;
	e->subject = p->flow;
	bpf_ringbuf_submit(e, 0);
}

static __always_inline int is_denied(const struct admission *admission, __be32 addr)
{
	struct access_prefix4 key = {
		.bits = 8 * (sizeof(key.list) + sizeof(key.addr)),
		.list = { (__u32)admission->access, admission->access >> 32 },
		.addr = addr,
	};
	__u32 *access = bpf_map_lookup_elem(&access_prefixes, &key);

	return !access || *access != ACCESS_ALLOW;
}

static __always_inline int is_over_limit(const struct listener *listener)
{
	__u32 index = listener->index, *live;

	if (!listener->sessions_max)
		return 0;
	live = bpf_map_lookup_elem(&listener_live, &index);
	return live && *live >= listener->sessions_max;
}

static __always_inline enum verdict admit_client(const struct packet *p, __u32 listener,
						 const struct admission *admission, __u64 now_ns)
{
	const struct rate *rate = &admission->client_rate;
	struct client_search search = {
		.addr = p->flow.source_addr,
		.listener = listener,
		.bits = admission->client_bits,
	};
	struct client_seat *seat;
	__u64 word;

	if (!admission->client_bits)
		return VERDICT_PASS;
	seat = find_seat(&search, rate->interval_ns ? SEAT_TAKE : SEAT_LOOK);
	if (!seat) {
		if (rate->interval_ns)
			count_note(NOTE_CLIENT_UNSEATED);
		return VERDICT_PASS;
	}
	word = seat->word;
	if (admission->client_sessions_max && seat_sessions(word) >= admission->client_sessions_max)
		return VERDICT_RESET_CLIENT_LIMIT;
	if (admission->client_opening_max && seat_opening(word) >= admission->client_opening_max)
		return VERDICT_RESET_CLIENT_OPENING;
	if (rate->interval_ns && !take_token(&seat->next_ns, rate, now_ns))
		return VERDICT_RESET_CLIENT_RATE;
	return VERDICT_PASS;
}

static __always_inline enum verdict admit_to(const struct packet *p,
					     const struct listener *listener)
{
	__u32 index = listener->index;
	struct admission *admission = get_admission(index);
	__u64 now_ns = bpf_ktime_get_ns(), *bucket;
	enum verdict verdict;

	if (!admission)
		return VERDICT_DROP_INTERNAL;
	if (admission->access && is_denied(admission, p->flow.source_addr))
		return VERDICT_RESET_DENIED;
	if (is_over_limit(listener))
		return VERDICT_RESET_LISTENER_LIMIT;
	verdict = admit_client(p, index, admission, now_ns);
	if (verdict != VERDICT_PASS || !admission->rate.interval_ns)
		return verdict;
	bucket = bpf_map_lookup_elem(&listener_buckets, &index);
	if (bucket && !take_token(bucket, &admission->rate, now_ns))
		return VERDICT_RESET_LISTENER_RATE;
	return VERDICT_PASS;
}

/* What people should hear of; 0: a list does what it is there for. */
static __always_inline __u32 event_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RESET_LISTENER_LIMIT:
		return EVENT_LISTENER_LIMIT;
	case VERDICT_RESET_LISTENER_RATE:
		return EVENT_LISTENER_RATE;
	case VERDICT_RESET_CLIENT_RATE:
	case VERDICT_RESET_CLIENT_LIMIT:
	case VERDICT_RESET_CLIENT_OPENING:
		return EVENT_CLIENT_LIMIT;
	default:
		return 0;
	}
}

/* VERDICT_PASS when the SYN may open a session, or take up one that rests. */
static __noinline enum verdict ask_admission(const struct packet *p,
					     const struct listener *listener)
{
	enum verdict verdict = admit_to(p, listener);
	__u32 type = event_of(verdict);

	if (type)
		report(p, type, listener->index, 0, 0);
	return verdict;
}

#endif
