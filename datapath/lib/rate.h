/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * rate.h: token buckets of one word: the time at which the bucket would be full again
 * (the generic cell rate algorithm, ITU-T I.371). Nothing fills them, so an idle one
 * costs nothing, and a compare-and-swap is all the locking.
 */
#ifndef FULLNAT_RATE_H
#define FULLNAT_RATE_H

#include "packet.h"

#define TOKEN_TRIES 8 /* then the bucket is busy, and takes what is added to it */

/*
 * Takes a token; 0 when there is none. Who loses eight swaps adds without asking, which
 * an idle bucket would not allow: its time may be long past. It is not idle then.
 */
static __always_inline int take_token(__u64 *next_ns, const struct rate *rate, __u64 now_ns)
{
	__u64 old, from;

	for (int i = 0; i < TOKEN_TRIES; i++) {
		old = *next_ns;
		from = old > now_ns ? old : now_ns;
		if (from - now_ns > rate->tolerance_ns)
			return 0;
		if (__sync_val_compare_and_swap(next_ns, old, from + rate->interval_ns) == old)
			return 1;
	}
	old = __sync_fetch_and_add(next_ns, rate->interval_ns);
	if (old <= now_ns || old - now_ns <= rate->tolerance_ns)
		return 1;
	__sync_fetch_and_add(next_ns, -rate->interval_ns);
	return 0;
}

#endif
