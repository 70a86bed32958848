/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * icmp.h: ICMP errors about packets that the agent translated, either way. They are not
 * sent by us: the bridge or the stack does that. A router between keeps its address;
 * who spoke as the other end of the connection goes on doing so.
 */
#ifndef FULLNAT_AGENT_ICMP_H
#define FULLNAT_AGENT_ICMP_H

#include "../lib/icmp.h"
#include "link.h"
#include "maps.h"

int agent_icmp_to_server(struct __sk_buff *ctx);
int agent_icmp_from_server(struct __sk_buff *ctx);

/* Append, never renumber: during an upgrade old and new programs call each other. */
enum stage {
	STAGE_ICMP_TO_SERVER = 0,
	STAGE_ICMP_FROM_SERVER = 1,
	STAGE_COUNT = 16, /* room: a map of another size is another map */
};

/* What is rare has programs of its own, reached by tail calls: it costs the rest nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_COUNT);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} stages SEC(".maps") = {
	.values = {
		[STAGE_ICMP_TO_SERVER] = (void *)&agent_icmp_to_server,
		[STAGE_ICMP_FROM_SERVER] = (void *)&agent_icmp_from_server,
	},
};

/* True when a packet from this source came from the other end of the connection. */
static __always_inline int is_from_peer(const struct packet *p, const struct icmp_error *error)
{
	return p->flow.source_addr == error->quoted.destination_addr;
}

static __always_inline enum verdict pass_on_error(struct packet *p, const struct icmp_error *error,
						  const struct session_entry *answer)
{
	struct icmp_edit to = undo_translation(error, answer);

	if (!is_from_peer(p, error))
		to.source_addr = p->flow.source_addr;
	follow_link(p, answer);
	if (write_error(p, error, &to))
		return VERDICT_DROP_INTERNAL;
	return answer->flags & ENTRY_BACK ? VERDICT_ERROR_TO_CLIENT : VERDICT_ERROR_TO_BACKEND;
}

/* `from_server`: the quoted packet went to the server, and its session answers from there. */
static __always_inline enum verdict decide_icmp(struct packet *p, __u16 from_server)
{
	struct icmp_error error = {};
	struct session_entry *answer;
	struct flow4 key;
	enum verdict verdict;

	if (!read_error(p, &error))
		return VERDICT_PASS;
	key = reversed(&error.quoted);
	answer = bpf_map_lookup_elem(&sessions, &key);
	if (!answer || (answer->flags & ENTRY_BACK) != from_server ||
	    error.quoted.source_addr != p->flow.destination_addr)
		return VERDICT_PASS;
	if (answer->flags & ENTRY_RELEASED)
		return VERDICT_DROP_STALE;
	if ((answer->flags & (ENTRY_IDENTITY | ENTRY_SHIFTED)) == ENTRY_IDENTITY) {
		follow_link(p, answer);
		return VERDICT_KEPT;
	}
	verdict = judge_error(p, &error, answer, &key);
	return verdict == VERDICT_PASS ? pass_on_error(p, &error, answer) : verdict;
}

#endif
