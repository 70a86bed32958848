/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * sweep.h: expiry. A kernel timer walks the slots, so it goes on without a daemon.
 *
 * The whole table is passed once a second in steps of 20 ms; a slot is one cache
 * line and the walk is in memory order (docs/decisions has the measured cost).
 * The timer belongs to the pinned map: it stops when the map goes.
 */
#ifndef FULLNAT_SWEEP_H
#define FULLNAT_SWEEP_H

#include "session.h"

#define SWEEP_INTERVAL_NS 20000000ull
#define SWEEP_STEPS_PER_PASS 50 /* x 20 ms: a pass takes a second */
#define SWEEP_SLOTS_MIN 64      /* a step's least, so that small tables pass quickly */
#define SWEEP_SLOTS_MAX 262144  /* a step's most: about 3 ms of softirq */
#define SWEEP_ENDS_MAX 2048     /* sessions ended in a step: about 1.5 ms, 100,000 a second */

struct sweep_walk {
	struct sweep *sweep;
	const struct settings *settings;
	__u32 cursor, now;
	__u32 ended; /* in this step */
};

static int sweep_slot(__u32 step, struct sweep_walk *walk)
{
	__u32 index = walk->cursor + step;
	struct session_slot *slot = get_slot(index);
	__u32 word, state, idle;

	if (!slot)
		return 1;
	word = slot->word;
	state = STATE_OF(word) & 7;
	if (state == STATE_FREE || state == STATE_DEAD)
		return 0;
	idle = walk->now - slot->seen;
	/* seen lags by a touch; the sign catches a packet newer than walk->now */
	if ((__s32)idle < 0 || idle < walk->settings->timeout[state] + TOUCH_TICKS)
		return 0;
	if (!swap_word(slot, word, STATE_DEAD))
		return 0;
	bury(slot, index);
	walk->sweep->stats.expired[state] += 1;
	walk->ended += 1;
	return walk->ended >= SWEEP_ENDS_MAX;
}

static int sweep_step(void *map, __u32 *key, struct sweep *sweep)
{
	struct sweep_walk walk = { .sweep = sweep, .settings = get_settings() };
	__u64 started = bpf_ktime_get_ns();
	__u32 high_water = sweep->stats.high_water;
	__u32 count = high_water / SWEEP_STEPS_PER_PASS + 1;
	__u32 cursor = sweep->stats.cursor;

	if (walk.settings && high_water) {
		walk.now = started >> TICK_SHIFT;
		if (cursor >= high_water) {
			cursor = 0;
			sweep->stats.passes += 1;
		}
		if (count < SWEEP_SLOTS_MIN)
			count = SWEEP_SLOTS_MIN;
		if (count > SWEEP_SLOTS_MAX)
			count = SWEEP_SLOTS_MAX;
		if (count > high_water - cursor)
			count = high_water - cursor;
		walk.cursor = cursor;
		/* what was looked at; a step that ended its most goes on from there */
		sweep->stats.cursor = cursor + bpf_loop(count, sweep_slot, &walk, 0);
	}
	sweep->stats.nanoseconds += bpf_ktime_get_ns() - started;
	bpf_timer_start(&sweep->timer, SWEEP_INTERVAL_NS, 0);
	return 0;
}

/*
 * Run once after loading, with any frame. A second run (a new version of the program)
 * hands the running timer to the new code. Not of type syscall, which would need no
 * frame: Linux 6.1 lets sleepable programs have neither stacks nor tries.
 */
SEC("tc")
int start_sweep(struct __sk_buff *ctx)
{
	struct sweep *all = get_sweep();

	if (!all)
		return 1;
	bpf_timer_init(&all->timer, &sweep, 1 /* CLOCK_MONOTONIC */);
	if (bpf_timer_set_callback(&all->timer, sweep_step))
		return 2;
	return bpf_timer_start(&all->timer, SWEEP_INTERVAL_NS, 0) ? 3 : 0;
}

#endif
