/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * icmp.h: ICMP errors about translated packets: read, judged, and their quotation put
 * back to what the packet's sender had sent (RFC 5508 section 4).
 *
 *   14           34                    42               62 with no quoted IP options
 *   +------------+---------------------+----------------+----------------------------+
 *   | outer IPv4 | type code checksum  | quoted IPv4,   | quoted TCP: ports, sequence|
 *   |            | parameter (or MTU)  | maybe options  | and often no more than that|
 *   +------------+---------------------+----------------+----------------------------+
 */
#ifndef FULLNAT_ICMP_H
#define FULLNAT_ICMP_H

#include "budget.h"
#include "edit.h"
#include "shift.h"
#include "states.h"

#define ICMP_OFFSET 34
#define ICMP_BYTES 8
#define QUOTE_OFFSET 42
#define QUOTED_CHECKSUM_OFFSET (QUOTE_OFFSET + 10)
#define QUOTED_ADDRESSES_OFFSET (QUOTE_OFFSET + 12)
#define QUOTED_TCP_BYTES 8 /* what RFC 792 promises: ports and sequence number */
#define QUOTED_TCP_CHECK 16
#define IP_HEADER_MAX 60
#define SUM_CHUNK 64
#define SUM_CHUNKS_MAX 24 /* 1,536 bytes; RFC 1812 section 4.3.2.3 asks for 576 at most */

/* linux/icmp.h needs a C library's headers, and we have none. */
enum icmp_type { ICMP_UNREACHABLE = 3, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER_PROBLEM = 12 };
enum icmp_unreachable_code { ICMP_TOO_BIG = 4, ICMP_PROHIBITED = 13 };

struct icmp_head {
	__u8 type, code;
	__be16 check;
	__be16 unused;
	__be16 mtu; /* of 3/4 (RFC 1191 section 4) */
};

/* The start of the quoted segment, all of it that is certain to be there. */
struct quoted_tcp {
	__be16 source_port, destination_port;
	__be32 sequence;
};

/* An error, and the packet that it is about, as that packet left us. */
struct icmp_error {
	struct icmp_head head;
	struct flow4 quoted;
	struct quoted_tcp tcp;
	__u32 tcp_offset;    /* of the quoted TCP header in the frame */
	__u32 end;           /* of the message in the frame */
	__be16 quoted_check; /* of the quoted IPv4 header */
	__u8 has_tcp_check;  /* the quotation reaches that far */
};

/* What becomes of the quotation and of the outer header. */
struct icmp_edit {
	__be32 source_addr, destination_addr; /* outer */
	struct flow4 quoted;
	struct quoted_tcp tcp;
	__be16 mtu;
	__u32 ttl_less;
};

/* RFC 5508 REQ-4 and REQ-5 name these; source quench (RFC 6633) and redirects are for
 * neighbours, not for the ends of a connection. */
static __always_inline int is_error_type(__u8 type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETER_PROBLEM;
}

/* The quoted packet: a TCP segment, its first fragment if it was cut. */
static __always_inline int read_quote(const struct packet *p, struct icmp_error *error)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(p->ctx, QUOTE_OFFSET, &ip, sizeof(ip)))
		return 0;
	if (ip.version != 4 || ip.ihl < 5 || ip.protocol != IPPROTO_TCP ||
	    (ip.frag_off & bpf_htons(IP_FRAGMENT_OFFSET)))
		return 0;
	error->tcp_offset = QUOTE_OFFSET + ip.ihl * 4; /* RFC 5508 REQ-3b */
	if (error->tcp_offset + QUOTED_TCP_BYTES > error->end ||
	    bpf_skb_load_bytes(p->ctx, error->tcp_offset, &error->tcp, sizeof(error->tcp)))
		return 0;
	error->has_tcp_check = error->tcp_offset + QUOTED_TCP_CHECK + 2 <= error->end;
	error->quoted_check = ip.check;
	error->quoted = (struct flow4){
		.source_addr = ip.saddr,
		.destination_addr = ip.daddr,
		.source_port = error->tcp.source_port,
		.destination_port = error->tcp.destination_port,
		.protocol = IPPROTO_TCP,
	};
	return 1;
}

/* True for a whole ICMP error that quotes a TCP segment; parse_tcp4() has been here. */
static __always_inline int read_error(struct packet *p, struct icmp_error *error)
{
	struct iphdr ip;

	if (p->flow.protocol != IPPROTO_ICMP ||
	    bpf_skb_load_bytes(p->ctx, IP_OFFSET, &ip, sizeof(ip)))
		return 0;
	p->ip_bytes = bpf_ntohs(ip.tot_len);
	error->end = IP_OFFSET + p->ip_bytes;
	if (ip.ihl != 5 || (ip.frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET)) ||
	    error->end > p->ctx->len || error->end < QUOTE_OFFSET + IP_BYTES + QUOTED_TCP_BYTES ||
	    bpf_skb_load_bytes(p->ctx, ICMP_OFFSET, &error->head, sizeof(error->head)) ||
	    !is_error_type(error->head.type))
		return 0;
	p->now = now_ticks();
	return read_quote(p, error);
}

struct sum_walk {
	struct __sk_buff *ctx;
	__u32 offset, end;
	__u64 sum;
};

static int sum_chunk(__u32 step, struct sum_walk *walk)
{
	__u8 chunk[SUM_CHUNK] = {};
	__u32 left = walk->end - walk->offset;
	__u32 take = left < SUM_CHUNK ? left : SUM_CHUNK;

	if (!left)
		return 1;
	take = one_to(SUM_CHUNK, take);
	if (bpf_skb_load_bytes(walk->ctx, walk->offset, chunk, take))
		return 1;
	walk->sum += (__u32)bpf_csum_diff(0, 0, (__be32 *)chunk, sizeof(chunk), 0);
	walk->offset += take;
	return 0;
}

/* The folded sum of a part of the frame; 0, which no packet's is, when it cannot be read. */
static __noinline __u32 sum_bytes(struct __sk_buff *ctx, __u32 offset, __u32 end)
{
	struct sum_walk walk = { .ctx = ctx, .offset = offset, .end = end };

	bpf_loop(SUM_CHUNKS_MAX, sum_chunk, &walk, 0);
	return walk.offset == end ? fold(walk.sum) : 0;
}

/*
 * The checksum of the message. A quotation whose TCP checksum the card has yet to
 * finish (an error that a balancer made of a packet of this kind) will sum up, from
 * the TCP header on, to the complement of the pseudo header that stands in its place.
 */
static __always_inline int message_sum_ok(const struct packet *p, const struct icmp_error *error)
{
	__u32 before = sum_bytes(p->ctx, ICMP_OFFSET, error->tcp_offset);
	__be16 unfinished = 0;

	if (fold(before + sum_bytes(p->ctx, error->tcp_offset, error->end)) == 0xffff)
		return 1;
	return error->has_tcp_check &&
	       bpf_skb_load_bytes(p->ctx, error->tcp_offset + QUOTED_TCP_CHECK, &unfinished,
				  sizeof(unfinished)) == 0 &&
	       fold(before + minus16(unfinished)) == 0xffff;
}

/*
 * RFC 5508 REQ-3: the outer header, the message and the quoted header have to be right;
 * the quoted segment's own checksum is not looked at (REQ-3c), and neither is what
 * stands behind the quotation (REQ-3d).
 */
static __always_inline int checksums_ok(const struct packet *p, const struct icmp_error *error)
{
	return sum_bytes(p->ctx, IP_OFFSET, ICMP_OFFSET) == 0xffff &&
	       sum_bytes(p->ctx, QUOTE_OFFSET, error->tcp_offset) == 0xffff &&
	       message_sum_ok(p, error);
}

/* The client of a session, wherever it is known by its own address. */
static __always_inline __be32 client_of(const struct session_slot *slot)
{
	return slot->kind == SESSION_BALANCED ? slot->front.source_addr
					      : slot->back.destination_addr;
}

/*
 * Whether the error can be believed; `answer` is the session's entry for the other
 * direction than the quoted packet's, found under `key`. Nothing of the session is
 * changed (RFC 5508 REQ-6), whatever comes of it. VERDICT_PASS when it can.
 */
static __always_inline enum verdict judge_error(const struct packet *p,
						const struct icmp_error *error,
						const struct session_entry *answer,
						const struct flow4 *key)
{
	int from_back = !(answer->flags & ENTRY_BACK); /* who sent what is quoted */
	struct session_slot *slot = get_slot(answer->slot);
	struct session_entry *sent;

	if (!slot || STATE_OF(slot->word) == STATE_DEAD || STATE_OF(slot->word) == STATE_FREE ||
	    !same_flow(key, from_back ? &slot->front : &slot->back))
		return VERDICT_DROP_RACE;
	sent = bpf_map_lookup_elem(&sessions, from_back ? &slot->back : &slot->front);
	/* RFC 5927 section 4.1, as far as we can know: the ends know it exactly */
	if (sent && !can_have_sent(slot, sent, bpf_ntohl(error->tcp.sequence)))
		return VERDICT_DROP_ERROR_FORGED;
	if (!checksums_ok(p, error))
		return VERDICT_DROP_BAD_CHECKSUM;
	return is_error_in_budget(client_of(slot)) ? VERDICT_PASS : VERDICT_DROP_ERROR_LIMIT;
}

/* The quoted sequence number as its sender knows it. */
static __always_inline __be32 original_sequence(__be32 quoted, const struct session_entry *answer)
{
	if (!(answer->flags & ENTRY_SHIFTED) || !(answer->flags & ENTRY_BACK))
		return quoted; /* only the client's numbers are shifted */
	return bpf_htonl(unshifted_sequence(bpf_ntohl(quoted), answer->slot));
}

/* The quotation as its sender had sent it, and the error on its way there. */
static __always_inline struct icmp_edit undo_translation(const struct icmp_error *error,
							 const struct session_entry *answer)
{
	return (struct icmp_edit){
		.source_addr = answer->source_addr,
		.destination_addr = answer->destination_addr,
		.quoted = { .source_addr = answer->destination_addr,
			    .destination_addr = answer->source_addr },
		.tcp = { .source_port = answer->destination_port,
			 .destination_port = answer->source_port,
			 .sequence = original_sequence(error->tcp.sequence, answer) },
		.mtu = error->head.mtu,
	};
}

/* What the quoted addresses change in every checksum that has them. */
static __always_inline __u64 addresses_change(const struct icmp_error *error,
					      const struct icmp_edit *to)
{
	return minus(error->quoted.source_addr) + to->quoted.source_addr +
	       minus(error->quoted.destination_addr) + to->quoted.destination_addr;
}

static __always_inline __u64 segment_change(const struct icmp_error *error,
					    const struct icmp_edit *to)
{
	return minus16(error->tcp.source_port) + to->tcp.source_port +
	       minus16(error->tcp.destination_port) + to->tcp.destination_port +
	       minus(error->tcp.sequence) + to->tcp.sequence;
}

/*
 * The quoted segment. Its checksum, where it is quoted, takes up what the ports change,
 * so that of all bytes from the TCP header on only the addresses' change remains.
 */
static __always_inline int write_quoted_tcp(struct __sk_buff *ctx, const struct icmp_error *error,
					    const struct icmp_edit *to)
{
	__u32 check = error->tcp_offset + QUOTED_TCP_CHECK;

	if (!error->has_tcp_check)
		return bpf_skb_store_bytes(ctx, error->tcp_offset, &to->tcp, sizeof(to->tcp),
					   BPF_F_RECOMPUTE_CSUM);
	if (bpf_skb_store_bytes(ctx, error->tcp_offset, &to->tcp, sizeof(to->tcp), 0) ||
	    bpf_l4_csum_replace(ctx, check, 0, fold(addresses_change(error, to)), BPF_F_PSEUDO_HDR))
		return -1;
	return bpf_l4_csum_replace(ctx, check, 0, fold(segment_change(error, to)), 0);
}

/* The quoted IPv4 header, which sums up to the same as before. */
static __always_inline int write_quoted_ip(struct __sk_buff *ctx, const struct icmp_error *error,
					   const struct icmp_edit *to)
{
	__be16 check = ~fold(minus16(error->quoted_check) + addresses_change(error, to));

	if (bpf_skb_store_bytes(ctx, QUOTED_CHECKSUM_OFFSET, &check, sizeof(check), 0))
		return -1;
	return bpf_skb_store_bytes(ctx, QUOTED_ADDRESSES_OFFSET, &to->quoted, 2 * sizeof(__be32),
				   0);
}

/* Not by bpf_l4_csum_replace(): where a checksum is unfinished it is the quoted one. */
static __always_inline int write_head(struct __sk_buff *ctx, const struct icmp_error *error,
				      const struct icmp_edit *to)
{
	struct icmp_head head = error->head;
	__u64 change = error->has_tcp_check ? (__u16)~fold(addresses_change(error, to))
					    : segment_change(error, to);

	head.mtu = to->mtu;
	head.check = ~fold(minus16(head.check) + change + minus16(error->head.mtu) + head.mtu);
	return bpf_skb_store_bytes(ctx, ICMP_OFFSET, &head, sizeof(head), BPF_F_RECOMPUTE_CSUM);
}

/* Writes the outer header; packet pointers are read again after every helper. */
static __always_inline int write_outer(struct packet *p, const struct icmp_edit *to)
{
	void *data = (void *)(long)p->ctx->data, *data_end = (void *)(long)p->ctx->data_end;
	struct iphdr *ip = data + IP_OFFSET;

	if ((void *)(ip + 1) > data_end)
		return -1;
	write_addresses(ip, &p->flow, to->source_addr, to->destination_addr, to->ttl_less);
	return 0;
}

/* Puts `to` into the frame, with every checksum in step. Returns 0, or -1. */
static __always_inline int write_error(struct packet *p, const struct icmp_error *error,
				       const struct icmp_edit *to)
{
	if (write_quoted_ip(p->ctx, error, to) || write_quoted_tcp(p->ctx, error, to) ||
	    write_head(p->ctx, error, to))
		return -1;
	return write_outer(p, to);
}

#endif
