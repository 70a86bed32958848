/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* refusal.h: a refusal is one reason in three tones: RST, ICMP 3/13, or silence. */
#ifndef FULLNAT_BALANCER_REFUSAL_H
#define FULLNAT_BALANCER_REFUSAL_H

#include "../lib/packet.h"

/* The same reason in silence; what is not answered with RST stays as it is. */
static __always_inline enum verdict silent(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RESET_UNKNOWN:
		return VERDICT_DROP_UNKNOWN;
	case VERDICT_RESET_STALE: /* this one is always answered, and so never silent */
		return VERDICT_DROP_UNKNOWN;
	case VERDICT_RESET_NO_BACKEND:
		return VERDICT_DROP_NO_BACKEND;
	case VERDICT_RESET_NO_LOCAL_PORT:
		return VERDICT_DROP_NO_LOCAL_PORT;
	case VERDICT_RESET_TABLE_FULL:
		return VERDICT_DROP_TABLE_FULL;
	case VERDICT_RESET_LISTENER_LIMIT:
		return VERDICT_DROP_LISTENER_LIMIT;
	case VERDICT_RESET_DENIED:
		return VERDICT_DROP_DENIED;
	case VERDICT_RESET_LISTENER_RATE:
		return VERDICT_DROP_LISTENER_RATE;
	case VERDICT_RESET_CLIENT_RATE:
		return VERDICT_DROP_CLIENT_RATE;
	case VERDICT_RESET_CLIENT_LIMIT:
		return VERDICT_DROP_CLIENT_LIMIT;
	case VERDICT_RESET_CLIENT_OPENING:
		return VERDICT_DROP_CLIENT_OPENING;
	case VERDICT_RESET_BACKEND_LIMIT:
		return VERDICT_DROP_BACKEND_LIMIT;
	default:
		return verdict;
	}
}

static __always_inline int is_reset(enum verdict verdict)
{
	return silent(verdict) != verdict;
}

/* Says which tone a refusal takes; other verdicts stay as they are. */
static __always_inline enum verdict refuse(struct packet *p, enum verdict verdict, __u32 tone)
{
	if (tone == REFUSE_ICMP && is_reset(verdict)) {
		p->refused_as = silent(verdict);
		return VERDICT_PROHIBITED;
	}
	/* A RST is never answered with a RST (RFC 9293 section 3.10.7.1). */
	return tone == REFUSE_DROP || (p->flags & RST) ? silent(verdict) : verdict;
}

#endif
