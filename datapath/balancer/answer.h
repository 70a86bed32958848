/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* answer.h: packets that end here are answered, by a RST or by an ICMP error, within bounds. */
#ifndef FULLNAT_BALANCER_ANSWER_H
#define FULLNAT_BALANCER_ANSWER_H

#include "../lib/icmp_answer.h"
#include "../lib/reset.h"
#include "refusal.h"
#include "stages.h"

static __always_inline int is_answered_by_icmp(enum verdict verdict)
{
	return verdict == VERDICT_ANSWER_TOO_BIG || verdict == VERDICT_ANSWER_TTL ||
	       verdict == VERDICT_PROHIBITED;
}

/* The verdict of a packet that would be answered, and is not. */
static __always_inline enum verdict unanswered(const struct packet *p, enum verdict verdict)
{
	if (verdict == VERDICT_PROHIBITED)
		return p->refused_as;
	return verdict == VERDICT_ANSWER_TTL ? VERDICT_DROP_TTL : VERDICT_DROP_TOO_BIG;
}

static __always_inline enum verdict answer_with_reset(struct packet *p, enum verdict verdict)
{
	/* segments of lost sessions are not limited: their clients wait for it */
	if (verdict != VERDICT_RESET_UNKNOWN && verdict != VERDICT_RESET_STALE &&
	    !is_in_budget(BUDGET_RESET))
		return silent(verdict);
	if (turn_into_reset(p))
		return VERDICT_DROP_INTERNAL;
	p->action = bpf_redirect(p->ctx->ifindex, 0);
	return verdict;
}

/* Returns the verdict that is left when the answer has not been sent. */
static __always_inline enum verdict answer_with_icmp(struct packet *p, enum verdict verdict)
{
	if (!is_answered_by_icmp(verdict))
		return verdict;
	p->ctx->cb[ARGUMENT_VERDICT] = verdict;
	p->ctx->cb[ARGUMENT_UNANSWERED] = unanswered(p, verdict);
	p->ctx->cb[ARGUMENT_MTU] = p->next_hop_mtu;
	bpf_tail_call(p->ctx, &stages, STAGE_ANSWER); /* does not return */
	return unanswered(p, verdict);
}

/* The answer that a verdict asks for, if it asks for one; the verdict that is left. */
static __always_inline enum verdict answer(struct packet *p, enum verdict verdict)
{
	return is_reset(verdict) ? answer_with_reset(p, verdict) : answer_with_icmp(p, verdict);
}

static __always_inline int turn_into_answer(struct __sk_buff *ctx, enum verdict verdict)
{
	if (verdict == VERDICT_ANSWER_TTL)
		return turn_into_error(ctx, ICMP_TIME_EXCEEDED, 0, 0);
	if (verdict == VERDICT_PROHIBITED)
		return turn_into_error(ctx, ICMP_UNREACHABLE, ICMP_PROHIBITED, 0);
	return turn_into_error(ctx, ICMP_UNREACHABLE, ICMP_TOO_BIG, ctx->cb[ARGUMENT_MTU]);
}

/* The rest of answer_with_icmp(), in a program of its own. */
static __always_inline enum verdict send_answer(struct packet *p)
{
	enum verdict verdict = p->ctx->cb[ARGUMENT_VERDICT];
	__be32 source;

	if (bpf_skb_load_bytes(p->ctx, IP_OFFSET + 12, &source, sizeof(source)))
		return VERDICT_DROP_INTERNAL;
	if (!is_one_host(source) ||
	    !is_in_budget(verdict == VERDICT_ANSWER_TOO_BIG ? BUDGET_TOO_BIG : BUDGET_OTHER))
		return p->ctx->cb[ARGUMENT_UNANSWERED];
	if (turn_into_answer(p->ctx, verdict))
		return VERDICT_DROP_INTERNAL;
	p->action = bpf_redirect(p->ctx->ifindex, 0);
	return verdict;
}

#endif
