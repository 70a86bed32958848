/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* translate.h: a packet of a known session: both addresses, both ports, next hop. */
#ifndef FULLNAT_BALANCER_TRANSLATE_H
#define FULLNAT_BALANCER_TRANSLATE_H

#include "../lib/edit.h"
#include "../lib/route.h"
#include "../lib/states.h"
#include "../lib/toa.h"
#include "maps.h"

static __always_inline void count_traffic(const struct session_entry *entry, __u32 bytes)
{
	struct traffic *of_listener = listener_counters(entry->listener);
	struct traffic *of_backend = backend_counters(entry->backend);

	if (!of_listener || !of_backend)
		return;
	if (entry->flags & ENTRY_BACK) {
		of_listener->packets_out += 1;
		of_listener->bytes_out += bytes;
		of_backend->packets_out += 1;
		of_backend->bytes_out += bytes;
	} else {
		of_listener->packets_in += 1;
		of_listener->bytes_in += bytes;
		of_backend->packets_in += 1;
		of_backend->bytes_in += bytes;
	}
}

/* Takes the client's own TOA out and puts the true one in. */
static __always_inline int handle_toa(struct packet *p, const struct session_entry *entry,
				      struct edit *e, const struct route *r, __u32 toa_mode)
{
	struct traffic *counters;
	struct toa forged;
	int found = take_toa(p, e, &forged);

	if (found < 0)
		return -1;
	if (found)
		count_note(NOTE_TOA_FORGED_CLIENT);
	if (toa_mode == TOA_OFF || (toa_mode == TOA_SYN && !(p->flags & SYN)))
		return 0;
	counters = listener_counters(entry->listener);
	if (!counters)
		return 0;
	if (!has_room_for_toa(p, r->fib.mtu_result)) {
		counters->toa_not_inserted += 1;
		return 0;
	}
	if (insert_toa(p, e, p->flow.source_addr, p->flow.source_port))
		return -1;
	counters->toa_inserted += 1;
	return 0;
}

/* Sends the packet on as `entry` says. */
static __always_inline enum verdict translate(struct packet *p, struct session_entry *entry,
					      __u32 toa_mode)
{
	int from_back = entry->flags & ENTRY_BACK;
	__u32 bytes = p->ip_bytes;
	struct edit e = {};
	struct route r;
	enum verdict verdict;

	if (p->ttl <= 1)
		return VERDICT_DROP_TTL;
	verdict = find_route(p, entry, &r);
	if (verdict != VERDICT_PASS)
		return verdict;
	if (!from_back && is_handshake(p, entry) && handle_toa(p, entry, &e, &r, toa_mode))
		return VERDICT_DROP_INTERNAL;
	if (write_tuple(p, entry, &e, 1))
		return VERDICT_DROP_INTERNAL;
	count_traffic(entry, bytes);
	p->action = send_to(p, &r);
	return from_back ? VERDICT_TO_CLIENT : VERDICT_TO_BACKEND;
}

#endif
