/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * protection.h: whether a listener answers SYNs with cookies now.
 *
 * It begins when the listener has as many half-open sessions as its threshold says, and
 * ends when it would have less than half as many without: that is how many cookies of
 * the time after which a half-open session is given up did not come back.
 */
#ifndef FULLNAT_BALANCER_PROTECTION_H
#define FULLNAT_BALANCER_PROTECTION_H

#include "admission.h"

/* The kernel takes its cookies for two periods of 60 s at most (MAX_SYNCOOKIE_AGE). */
#define COOKIE_LIFE_TICKS (120 * TOUCH_TICKS)

static __always_inline void start_period(struct protection *state, __u32 now)
{
	state->period_start = now;
	state->sent = 0;
	state->accepted = 0;
}

static __always_inline __u32 not_returned(const struct protection *state)
{
	__u32 sent = state->sent, accepted = state->accepted;

	return sent > accepted ? sent - accepted : 0;
}

/* AUTO: true while cookies are sent. */
static __always_inline int is_active(const struct packet *p, const struct listener *listener,
				     struct protection *state, __u32 threshold)
{
	struct settings *set = get_settings();
	int is_low;

	if (!set)
		return 0;
	if (!state->active) {
		if (state->opening < threshold ||
		    __sync_val_compare_and_swap(&state->active, 0, 1) != 0)
			return state->active;
		start_period(state, p->now);
		report(p, EVENT_SYN_PROTECTION_ON, listener->index, 0, 0);
		return 1;
	}
	if (p->now - state->period_start < set->timeout[STATE_OPENING])
		return 1;
	is_low = not_returned(state) < threshold / 2 && state->opening < threshold;
	start_period(state, p->now);
	if (!is_low || __sync_val_compare_and_swap(&state->active, 1, 0) != 1)
		return 1;
	report(p, EVENT_SYN_PROTECTION_OFF, listener->index, 0, 0);
	return 0;
}

static __always_inline int wants_cookies(const struct packet *p, const struct listener *listener,
					 struct protection *state, __u32 threshold)
{
	switch (listener->syn_protection) {
	case SYN_PROTECTION_ALWAYS:
		return 1;
	case SYN_PROTECTION_AUTO:
		return threshold && is_active(p, listener, state, threshold);
	default:
		return 0;
	}
}

/*
 * A SYN that no session has: VERDICT_COOKIE when it gets a cookie, VERDICT_PASS when it may
 * open a session at once. Only who is on a list is kept out here: the limits are for
 * clients that exist, and ask_admission() is asked when the cookie comes back.
 */
static __noinline enum verdict protect(const struct packet *p, const struct listener *listener)
{
	struct protection *state = get_protection(listener->index);
	struct admission *admission = get_admission(listener->index);

	if (!state || !admission)
		return VERDICT_DROP_INTERNAL;
	if (!wants_cookies(p, listener, state, admission->syn_threshold))
		return VERDICT_PASS;
	if (admission->access && is_denied(admission, p->flow.source_addr))
		return VERDICT_RESET_DENIED;
	__sync_fetch_and_add(&state->sent, 1);
	if (state->last_cookie != p->now)
		state->last_cookie = p->now;
	return VERDICT_COOKIE;
}

/* True for what may bring a cookie of this listener's back. */
static __always_inline int may_bring_cookie(const struct packet *p, const struct listener *listener)
{
	struct protection *state = get_protection(listener->index);

	return (p->flags & (SYN | ACK | RST)) == ACK && p->ttl > 1 && state && state->last_cookie &&
	       p->now - state->last_cookie < COOKIE_LIFE_TICKS;
}

static __always_inline void count_accepted(const struct listener *listener)
{
	struct protection *state = get_protection(listener->index);

	if (state)
		__sync_fetch_and_add(&state->accepted, 1);
}

#endif
