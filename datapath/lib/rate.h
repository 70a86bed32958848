/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * rate.h: token buckets of one word: the time at which the bucket would be full again
 * (the generic cell rate algorithm, ITU-T I.371). Nothing fills them, so an idle one
 * costs nothing, and a compare-and-swap is all the locking.
 */
#ifndef FULLNAT_RATE_H
#define FULLNAT_RATE_H

#include "packet.h"

#define TOKEN_TRIES 8 /* as many CPUs at once can be in each other's way */

/* Takes a token; 0 when there is none. */
static __always_inline int take_token(__u64 *next_ns, const struct rate *rate, __u64 now_ns)
{
	for (int i = 0; i < TOKEN_TRIES; i++) {
		__u64 old = *next_ns, from = old > now_ns ? old : now_ns;

		if (from - now_ns > rate->tolerance_ns)
			return 0;
		if (__sync_val_compare_and_swap(next_ns, old, from + rate->interval_ns) == old)
			return 1;
	}
	return 0; /* others took eight tokens meanwhile */
}

#endif
