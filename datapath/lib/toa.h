/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * toa.h: the TCP option that carries the client's address (TOA).
 *
 *    0       1       2               4                               8
 *   +-------+-------+---------------+-------------------------------+
 *   |  254  |   8   |  client port  |        client address         |
 *   +-------+-------+---------------+-------------------------------+
 *
 * The IPv6 layout has kind 253 or 254, length 20 and a 16-byte address. Ours
 * stands directly behind the 20-byte TCP header, where every known reader looks.
 */
#ifndef FULLNAT_TOA_H
#define FULLNAT_TOA_H

#include "edit.h"
#include "options.h"
#include "packet.h"

#define TOA_KIND 254
#define TOA_KIND_V6 253
#define TOA_BYTES 8
#define TOA_BYTES_V6 20
#define TCP_HEADER_MAX 60
#define MTU_LEAST 68        /* every IPv4 link takes this much (RFC 791 section 3.2) */
#define MTU_EVERYWHERE 576  /* every IPv4 host takes this much (RFC 791 section 3.1) */
#define MOVE_CHUNK 64       /* bytes moved at once; bounded by the 512-byte stack */
#define MOVE_CHUNKS_MAX 160 /* 160 x 64 covers a 9000-byte MTU */

struct toa {
	__u8 kind, length;
	__be16 port;
	__be32 addr;
};

/* State of one walk over the options; the walk blanks every TOA it meets. */
struct toa_walk {
	struct packet *packet;
	struct edit *edit;
	struct toa first; /* the first one with the IPv4 layout; length 0: none */
	__u16 offset, end;
	int found; /* how many; -1: the packet cannot be written */
};

/* Replaces the TOA of `length` bytes at `offset` by NOPs (RFC 9293 section 3.1). */
static __always_inline int blank_toa(struct packet *p, struct edit *e, __u32 offset, __u32 length)
{
	__u8 bytes[TOA_BYTES_V6] = {};
	__u64 difference;

	if (length < 2 || length > sizeof(bytes))
		return -1;
	if (bpf_skb_load_bytes(p->ctx, offset, bytes, length))
		return -1;
	difference = minus16(fold((__u32)bpf_csum_diff(0, 0, (__be32 *)bytes, sizeof(bytes), 0)));
	__builtin_memset(bytes, OPTION_NOP, sizeof(bytes));
	if (bpf_skb_store_bytes(p->ctx, offset, bytes, length, 0))
		return -1;
	difference += (length / 2) * 0x0101 + (length & 1 ? bpf_htons(0x0100) : 0);
	/* At an odd offset each byte sits in the other half of its 16-bit word. */
	e->plain += offset & 1 ? __builtin_bswap16(fold(difference)) : difference;
	return 0;
}

/* Kinds 253 and 254 are for experiments (RFC 6994); other lengths are somebody else's. */
static __always_inline int is_toa(__u8 kind, __u32 length)
{
	return (kind == TOA_KIND || kind == TOA_KIND_V6) &&
	       (length == TOA_BYTES || length == TOA_BYTES_V6);
}

/* One option a step; 1 ends the walk. */
static int walk_option(__u32 step, struct toa_walk *walk)
{
	struct packet *p = walk->packet;
	struct toa toa = {};
	__u32 offset = walk->offset;
	__u32 length;
	__u8 head[2] = {};

	if (offset >= walk->end)
		return 1;
	if (bpf_skb_load_bytes(p->ctx, offset, head, offset + 1 < walk->end ? 2 : 1))
		return 1;
	if (head[0] == OPTION_EOL)
		return 1;
	if (head[0] == OPTION_NOP) {
		walk->offset = offset + 1;
		return 0;
	}
	length = head[1];
	if (length < 2 || offset + length > walk->end)
		return 1;
	walk->offset = offset + length;
	if (!is_toa(head[0], length))
		return 0;
	if (length == TOA_BYTES && !walk->first.length &&
	    bpf_skb_load_bytes(p->ctx, offset, &toa, sizeof(toa)) == 0)
		walk->first = toa;
	if (blank_toa(p, walk->edit, offset, length)) {
		walk->found = -1;
		return 1;
	}
	walk->found++;
	return 0;
}

/*
 * Blanks every TOA of either kind in the packet. Returns how many there were,
 * or -1 when the packet could not be written; the first IPv4 one is in *first.
 */
static __always_inline int take_toa(struct packet *p, struct edit *e, struct toa *first)
{
	struct toa_walk walk = {
		.packet = p,
		.edit = e,
		.offset = OPTIONS_OFFSET,
		.end = TCP_OFFSET + p->tcp_header_bytes,
	};

	first->length = 0;
	if (p->tcp_header_bytes <= TCP_BYTES)
		return 0;
	bpf_loop(OPTIONS_MAX, walk_option, &walk, 0);
	*first = walk.first;
	return walk.found;
}

struct tail_move {
	struct __sk_buff *ctx;
	__u32 end; /* first byte that has been moved already */
};

/* Moves the last chunk of what is left by TOA_BYTES towards the tail. */
static int move_chunk(__u32 step, struct tail_move *move)
{
	__u8 chunk[MOVE_CHUNK] = {};
	__u32 left = move->end - OPTIONS_OFFSET;
	__u32 take = left < MOVE_CHUNK ? left : MOVE_CHUNK;
	__u32 from = move->end - take;

	if (!left)
		return 1;
	take = one_to(MOVE_CHUNK, take);
	if (bpf_skb_load_bytes(move->ctx, from, chunk, take) ||
	    bpf_skb_store_bytes(move->ctx, from + TOA_BYTES, chunk, take, 0))
		return 1;
	move->end = from;
	return 0;
}

/*
 * True when the header has room for TOA and the packet can be grown. `mtu` is 0
 * when the next hop is not resolved yet.
 */
static __always_inline int has_room_for_toa(const struct packet *p, __u32 mtu)
{
	if (!mtu)
		mtu = MTU_EVERYWHERE;
	return p->tcp_header_bytes + TOA_BYTES <= TCP_HEADER_MAX && p->ctx->gso_size == 0 &&
	       p->ip_bytes + TOA_BYTES <= mtu;
}

/*
 * Grows the packet by a TOA behind the fixed TCP header. The tail is grown, not
 * the front: the TCP header keeps its place, and with it csum_start of a partial
 * checksum. Total length, data offset, pseudo-header length and the option's
 * bytes all enter checksums. Returns 0, or -1 when a helper failed.
 */
static __always_inline int insert_toa(struct packet *p, struct edit *e, __be32 addr, __be16 port)
{
	struct toa toa = { .kind = TOA_KIND, .length = TOA_BYTES, .port = port, .addr = addr };
	const __be32 *words = (const __be32 *)&toa;
	__u32 end = IP_OFFSET + p->ip_bytes;
	struct tail_move move = { .ctx = p->ctx, .end = end };
	void *data, *data_end;
	struct iphdr *ip;
	__be16 *offset_word, old_word, old_bytes, new_bytes;

	if (bpf_skb_change_tail(p->ctx, end + TOA_BYTES, 0)) /* also cuts Ethernet padding */
		return -1;
	if (end > OPTIONS_OFFSET) {
		bpf_loop(MOVE_CHUNKS_MAX, move_chunk, &move, 0);
		if (move.end != OPTIONS_OFFSET)
			return -1;
	}
	if (bpf_skb_store_bytes(p->ctx, OPTIONS_OFFSET, &toa, sizeof(toa), 0))
		return -1;

	data = (void *)(long)p->ctx->data;
	data_end = (void *)(long)p->ctx->data_end;
	if (data + OPTIONS_OFFSET > data_end)
		return -1;
	ip = data + IP_OFFSET;
	old_bytes = ip->tot_len;
	new_bytes = bpf_htons(p->ip_bytes + TOA_BYTES);
	ip->tot_len = new_bytes;
	ip->check = ~fold(minus16(ip->check) + minus16(old_bytes) + new_bytes);

	offset_word = data + TCP_OFFSET + 12;
	old_word = *offset_word;
	*offset_word = old_word + bpf_htons((TOA_BYTES / 4) << 12);

	e->pseudo += minus16(bpf_htons(p->ip_bytes - IP_BYTES)) +
		     bpf_htons(p->ip_bytes - IP_BYTES + TOA_BYTES);
	e->plain += minus16(old_word) + *offset_word + words[0] + (__u64)words[1];
	p->ip_bytes += TOA_BYTES;
	p->tcp_header_bytes += TOA_BYTES;
	return 0;
}

#endif
