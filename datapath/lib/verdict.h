/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* verdict.h: counters by verdict and by note, and the events people read. */
#ifndef FULLNAT_VERDICT_H
#define FULLNAT_VERDICT_H

#include "packet.h"

#define EVENT_BUFFER_BYTES (256 * 1024) /* 3,000 events; the daemon reads ten times a second */
#define EVENT_PAUSE_TICKS 954           /* 1 s between two events of a rate-limited type */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NOTE_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_BUFFER_BYTES);
} events SEC(".maps");

/* When a rate-limited event of each type was last sent, ticks. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u32);
} event_sent SEC(".maps");

static __always_inline void count_verdict(__u32 verdict)
{
	__u64 *count = bpf_map_lookup_elem(&verdicts, &verdict);

	if (count)
		*count += 1;
}

static __always_inline void count_note(__u32 note)
{
	__u64 *count = bpf_map_lookup_elem(&notes, &note);

	if (count)
		*count += 1;
}

static __always_inline void send_event(struct event *e)
{
	e->time_ns = bpf_ktime_get_ns();
	if (bpf_ringbuf_output(&events, e, sizeof(*e), 0))
		count_note(NOTE_EVENT_LOST);
}

/* For events that a flood would repeat: at most one a second of each type. */
static __always_inline int is_event_due(__u32 type, __u32 now)
{
	__u32 *sent = bpf_map_lookup_elem(&event_sent, &type);

	if (!sent || (*sent && now - *sent < EVENT_PAUSE_TICKS))
		return 0;
	*sent = now ? now : 1;
	return 1;
}

#endif
