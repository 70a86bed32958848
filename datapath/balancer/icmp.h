/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * icmp.h: ICMP errors about packets that the balancer translated, sent on to who sent
 * the packet. The error comes from the address that this end knows: the listener
 * towards the client, the local towards the backend (RFC 5508 REQ-4, REQ-5).
 */
#ifndef FULLNAT_BALANCER_ICMP_H
#define FULLNAT_BALANCER_ICMP_H

#include "../lib/icmp.h"
#include "../lib/toa.h"
#include "translate.h"

/*
 * What the client may send so that it still fits where it did not, with a TOA in it:
 * not only SYNs get one in this session.
 */
static __always_inline __be16 mtu_without_toa(const struct icmp_error *error,
					      const struct session_entry *answer)
{
	__be16 mtu = error->head.mtu;
	struct session_slot *slot;
	struct session_entry *front;

	if (error->head.type != ICMP_UNREACHABLE || error->head.code != ICMP_TOO_BIG ||
	    !(answer->flags & ENTRY_BACK) || bpf_ntohs(mtu) < MTU_LEAST + TOA_BYTES)
		return mtu;
	slot = get_slot(answer->slot);
	front = slot ? bpf_map_lookup_elem(&sessions, &slot->front) : 0;
	if (front && (front->flags & (ENTRY_TOA_HANDSHAKE | ENTRY_TOA_DUE)))
		return bpf_htons(bpf_ntohs(mtu) - TOA_BYTES);
	return mtu;
}

/* Of a session that a cookie opened the server's numbers are moved as well. */
static __always_inline __be32 unspliced(__be32 sequence, const struct session_entry *answer)
{
	struct splice *splice;

	if ((answer->flags & (ENTRY_SPLICED | ENTRY_BACK)) != ENTRY_SPLICED)
		return sequence;
	splice = get_splice(answer->slot);
	return splice ? bpf_htonl(bpf_ntohl(sequence) - splice->sequence) : sequence;
}

static __always_inline enum verdict forward_error(struct packet *p, const struct icmp_error *error,
						  const struct session_entry *answer)
{
	struct icmp_edit to = undo_translation(error, answer);
	enum verdict verdict;
	struct route r;

	verdict = find_route(p, answer, &r);
	if (verdict != VERDICT_PASS)
		return verdict; /* an error is never answered with an error (RFC 1122 section 3.2.2) */
	to.mtu = mtu_without_toa(error, answer);
	to.tcp.sequence = unspliced(to.tcp.sequence, answer);
	to.ttl_less = 1;
	if (write_error(p, error, &to))
		return VERDICT_DROP_INTERNAL;
	p->action = send_to(p, &r);
	return answer->flags & ENTRY_BACK ? VERDICT_ERROR_TO_CLIENT : VERDICT_ERROR_TO_BACKEND;
}

static __always_inline enum verdict decide_icmp(struct packet *p)
{
	struct icmp_error error = {};
	struct session_entry *answer;
	struct flow4 key;
	enum verdict verdict;

	if (!read_error(p, &error))
		return is_for_local(p) ? VERDICT_DROP_LOCAL_NOT_TCP : VERDICT_PASS;
	key = reversed(&error.quoted);
	answer = bpf_map_lookup_elem(&sessions, &key);
	/* errors go to who sent what they quote */
	if (!answer || error.quoted.source_addr != p->flow.destination_addr)
		return is_for_local(p) ? VERDICT_DROP_NO_SESSION : VERDICT_PASS;
	if (p->ttl <= 1)
		return VERDICT_DROP_TTL;
	verdict = judge_error(p, &error, answer, &key);
	return verdict == VERDICT_PASS ? forward_error(p, &error, answer) : verdict;
}

#endif
