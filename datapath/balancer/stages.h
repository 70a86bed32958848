/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * stages.h: the balancer's programs, which hand a packet on to each other by tail calls:
 * each has a stack and a verifier's budget of its own, and what is rare costs the rest
 * nothing.
 */
#ifndef FULLNAT_BALANCER_STAGES_H
#define FULLNAT_BALANCER_STAGES_H

#include "../lib/packet.h"

/* Append, never renumber: during an upgrade old and new programs call each other. */
enum stage {
	STAGE_INGRESS = 0,
	STAGE_ADMIT = 1,
	STAGE_ICMP = 2,   /* an ICMP packet */
	STAGE_ANSWER = 3, /* a TCP packet that is to be answered by an ICMP error */
	STAGE_END = 4,    /* a packet of a session that is over */
	STAGE_COOKIE = 5, /* a SYN that gets a cookie, or an ACK that may bring one back */
	STAGE_SPLICE = 6, /* a packet of a session that a cookie opened, and no backend yet */
	STAGE_COUNT = 16, /* room: a map of another size is another map */
};

/* Words of __sk_buff.cb, which outlive a tail call, for STAGE_ANSWER. */
enum stage_argument { ARGUMENT_VERDICT = 0, ARGUMENT_UNANSWERED = 1, ARGUMENT_MTU = 2 };

int balancer_ingress(struct __sk_buff *ctx);
int balancer_admit(struct __sk_buff *ctx);
int balancer_icmp(struct __sk_buff *ctx);
int balancer_answer(struct __sk_buff *ctx);
int balancer_end(struct __sk_buff *ctx);
int balancer_cookie(struct __sk_buff *ctx);
int balancer_splice(struct __sk_buff *ctx);

/* Pinned like every map: the kernel empties it when nothing in user space holds it. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_COUNT);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} stages SEC(".maps") = {
	.values = {
		[STAGE_INGRESS] = (void *)&balancer_ingress,
		[STAGE_ADMIT] = (void *)&balancer_admit,
		[STAGE_ICMP] = (void *)&balancer_icmp,
		[STAGE_ANSWER] = (void *)&balancer_answer,
		[STAGE_END] = (void *)&balancer_end,
		[STAGE_COOKIE] = (void *)&balancer_cookie,
		[STAGE_SPLICE] = (void *)&balancer_splice,
	},
};

#endif
