/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * cookie.h: a SYN answered without remembering it, and the ACK that shows it was real.
 *
 *   client ── SYN, ISN, options ──▶ balancer           nothing is kept
 *   client ◀── SYN+ACK, cookie, window 0 ── balancer   the kernel's cookie has tuple, ISN and MSS;
 *   client ── ACK, cookie + 1 ──▶ balancer             our TSval, which comes back as TSecr, the rest
 *                                 balancer ── SYN, ISN, options ──▶ backend       (splice.h)
 *
 * Window 0 keeps the client from sending data before there is a backend for it. What it
 * sends to ask whether the window is still shut sends the SYN to the backend again.
 */
#ifndef FULLNAT_BALANCER_COOKIE_H
#define FULLNAT_BALANCER_COOKIE_H

#include "admit.h"
#include "handshake.h"

/*
 * The low bits of our TSval (RFC 7323 section 5.4 lets us): the client's window scale and
 * whether it takes SACK, as Linux's own cookies have it; and one bit so that it is never 0.
 */
#define COOKIE_TIME_SCALE 0x0f
#define COOKIE_TIME_SACK 0x10
#define COOKIE_TIME_MARK 0x20
#define COOKIE_TIME_BITS 0x3f

/* What we tell a client: windows up to 8 MB, in steps of 128 bytes; the server's are converted. */
#define COOKIE_SCALE 7
#define COOKIE_MSS_MOST 1460 /* Ethernet's; a smaller path says so itself */
#define COOKIE_TTL 64

/* The kernel's cookies know these sizes only: `msstab` in net/ipv4/syncookies.c. */
#define COOKIE_SIZES 4
static const __u16 cookie_sizes[COOKIE_SIZES] = { 1460, 1440, 1300, 536 };

/* What the kernel makes a cookie of: two headers, one option. */
struct cookie_headers {
	struct iphdr ip;
	struct tcphdr tcp;
	__be32 mss;
};

static __always_inline void fill_cookie_headers(struct cookie_headers *headers,
						const struct flow4 *flow, __u32 sequence)
{
	headers->ip.saddr = flow->source_addr;
	headers->ip.daddr = flow->destination_addr;
	headers->tcp.source = flow->source_port;
	headers->tcp.dest = flow->destination_port;
	headers->tcp.seq = bpf_htonl(sequence);
}

/* The cookie for a SYN of this tuple, ISN and MSS; below 0 when the kernel makes none. */
static __noinline __s64 make_cookie(const struct flow4 *flow, __u32 isn, __u32 mss)
{
	struct cookie_headers headers = {};

	fill_cookie_headers(&headers, flow, isn);
	headers.tcp.doff = (TCP_BYTES + MSS_BYTES) / 4;
	headers.mss = bpf_htonl(OPTION_MSS << 24 | MSS_BYTES << 16 | (mss & 0xffff));
	return bpf_tcp_raw_gen_syncookie_ipv4(&headers.ip, &headers.tcp, TCP_BYTES + MSS_BYTES);
}

static __noinline int is_cookie(const struct flow4 *flow, __u32 isn, __u32 acknowledgement)
{
	struct cookie_headers headers = {};

	fill_cookie_headers(&headers, flow, isn + 1);
	headers.tcp.ack_seq = bpf_htonl(acknowledgement);
	return bpf_tcp_raw_check_syncookie_ipv4(&headers.ip, &headers.tcp) == 0;
}

/* The client's ISN, from a segment that brings a cookie back; -1 from any other. */
static __always_inline __s64 isn_of_cookie(const struct packet *p)
{
	/* who asks whether the window is still shut may do so one number back */
	for (__u32 back = 0; back <= 1; back++) {
		__u32 isn = p->sequence - 1 + back;

		if (is_cookie(&p->flow, isn, p->acknowledgement))
			return isn;
	}
	return -1;
}

/*
 * The check does not say what MSS the cookie has: it is the one with which the same
 * cookie comes out. In the minute that follows none does: the least goes everywhere.
 */
static __always_inline __u32 mss_of_cookie(const struct flow4 *flow, __u32 isn, __u32 cookie)
{
	for (int i = 0; i < COOKIE_SIZES; i++)
		if ((__u32)make_cookie(flow, isn, cookie_sizes[i]) == cookie)
			return cookie_sizes[i];
	return cookie_sizes[COOKIE_SIZES - 1];
}

static __always_inline __u32 cookie_time(const struct packet *p,
					 const struct handshake_options *syn)
{
	return (p->now & ~COOKIE_TIME_BITS) | COOKIE_TIME_MARK |
	       (syn->sack ? COOKIE_TIME_SACK : 0) | syn->scale;
}

/* The largest segment that the client may send; it reaches us through this interface. */
static __always_inline __u16 own_mss(struct __sk_buff *ctx)
{
	__u32 mtu = 0;

	bpf_check_mtu(ctx, 0, &mtu, 0, 0);
	if (mtu < IP_BYTES + TCP_BYTES || mtu > COOKIE_MSS_MOST + IP_BYTES + TCP_BYTES)
		return COOKIE_MSS_MOST;
	return mtu - IP_BYTES - TCP_BYTES;
}

/* Answers a SYN; nothing is kept of it. */
static __noinline enum verdict send_cookie(struct packet *p)
{
	struct handshake answer = {
		.flow = reversed(&p->flow),
		.acknowledgement = p->sequence + 1,
		.flags = SYN | ACK,
		.goes_back = 1,
		.ttl = COOKIE_TTL,
	};
	struct handshake_options *options = &answer.options;
	__s64 cookie;

	read_options(p->ctx, p->tcp_header_bytes, options);
	cookie = make_cookie(&p->flow, p->sequence, options->mss);
	if (cookie < 0)
		return VERDICT_DROP_INTERNAL;
	answer.sequence = cookie;
	options->echo = options->time;
	options->time = cookie_time(p, options);
	options->mss = own_mss(p->ctx);
	/* what cannot come back is not offered */
	options->sack &= options->timed;
	options->scale = options->timed && options->scale != NO_SCALE ? COOKIE_SCALE : NO_SCALE;
	if (turn_into_handshake(p->ctx, &answer))
		return VERDICT_DROP_INTERNAL;
	p->action = bpf_redirect(p->ctx->ifindex, 0);
	return VERDICT_COOKIE;
}

static __always_inline __u16 read_window(const struct packet *p)
{
	__be16 window = 0;

	bpf_skb_load_bytes(p->ctx, TCP_OFFSET + 14, &window, sizeof(window));
	return bpf_ntohs(window);
}

/*
 * The segment at hand brings a cookie back: it becomes the SYN that the client had sent,
 * and what it says is kept for the answer to it. -1 when it cannot be written.
 */
static __noinline int become_syn(struct packet *p, struct splice *splice, __u32 isn)
{
	struct handshake syn = {
		.flow = p->flow,
		.sequence = isn,
		.flags = SYN,
		.ttl = p->ttl,
		.tos = p->tos,
	};
	struct handshake_options *options = &syn.options;
	__u32 cookie = p->acknowledgement - 1, window = read_window(p);

	read_options(p->ctx, p->tcp_header_bytes, options);
	splice->sequence = cookie;
	splice->time = options->timed ? options->echo : 0;
	splice->client_time = options->time;
	splice->window = bpf_htons(window);
	options->mss = mss_of_cookie(&p->flow, isn, cookie);
	if (options->timed) {
		options->scale = options->echo & COOKIE_TIME_SCALE;
		options->sack = !!(options->echo & COOKIE_TIME_SACK);
		options->echo = 0;
	}
	if (options->scale != NO_SCALE) /* a SYN's own window is not scaled */
		window <<= options->scale;
	syn.window = window < 0xffff ? window : 0xffff;
	return turn_into_handshake(p->ctx, &syn);
}

/* An ACK that no session has: VERDICT_TO_BACKEND when a cookie of ours made it one, and a SYN. */
static __always_inline enum verdict accept_cookie(struct packet *p, const struct listener *listener)
{
	__s64 isn = isn_of_cookie(p);
	struct session_entry *entry;
	struct splice *splice;
	enum verdict verdict;

	if (isn < 0) {
		count_note(NOTE_COOKIE_WRONG);
		return refuse(p, VERDICT_RESET_UNKNOWN, listener->on_unknown);
	}
	p->sequence = isn;
	p->entry_flags = ENTRY_COOKIE;
	verdict = ask_admission(p, listener);
	if (verdict == VERDICT_PASS)
		verdict = open_session(p, listener);
	if (verdict != VERDICT_PASS)
		return refuse_counted(p, verdict, listener);
	entry = bpf_map_lookup_elem(&sessions, &p->flow);
	splice = entry ? get_splice(entry->slot) : 0;
	if (!splice)
		return VERDICT_DROP_RACE;
	if (become_syn(p, splice, isn))
		return VERDICT_DROP_INTERNAL;
	count_note(NOTE_COOKIE_ACCEPTED);
	count_accepted(listener);
	return VERDICT_TO_BACKEND;
}

/* What admit() leaves to us. */
static __always_inline enum verdict decide_cookie(struct packet *p)
{
	struct listener *listener = find_listener(p);

	if (!listener)
		return VERDICT_DROP_RACE;
	return is_opening_syn(p) ? send_cookie(p) : accept_cookie(p, listener);
}

#endif
