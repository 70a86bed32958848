/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * bare_ack.h: when what completes the handshake is too full for TOA (a GSO packet,
 * a full MTU, a full header), the same acknowledgement goes ahead alone.
 *
 * The packet itself re-enters the interface as a copy and comes by again when the
 * ACK is on its way; the packet at hand becomes the ACK. Later segments of the same
 * burst may overtake the copy: once a connection, and only where an ACK was lost.
 */
#ifndef FULLNAT_BALANCER_BARE_ACK_H
#define FULLNAT_BALANCER_BARE_ACK_H

#include "../lib/cut.h"
#include "../lib/edit.h"
#include "../lib/packet.h"

#define TIMESTAMP_BYTES 12 /* NOP NOP 8 10 and two values (RFC 7323 appendix A) */
#define ACK_BYTES_MAX (TCP_BYTES + TIMESTAMP_BYTES)

struct bare_ack {
	__be16 words[ACK_BYTES_MAX / 2];
	__u32 bytes; /* of them that are sent */
};

/* Timestamps stay: receivers may drop segments without them (RFC 7323 section 3.2). */
static __always_inline int read_header(const struct packet *p, struct bare_ack *ack)
{
	ack->bytes = TCP_BYTES;
	if (p->tcp_header_bytes < ACK_BYTES_MAX)
		return bpf_skb_load_bytes(p->ctx, TCP_OFFSET, ack->words, TCP_BYTES);
	if (bpf_skb_load_bytes(p->ctx, TCP_OFFSET, ack->words, ACK_BYTES_MAX))
		return -1;
	if (ack->words[10] == bpf_htons(0x0101) && ack->words[11] == bpf_htons(0x080a))
		ack->bytes = ACK_BYTES_MAX;
	else
		__builtin_memset(&ack->words[10], 0, TIMESTAMP_BYTES);
	return 0;
}

/* Writes the ACK into the frame that has been cut to its size. */
static __always_inline int write_bare_ack(struct packet *p, struct bare_ack *ack, int partial)
{
	struct tcphdr *tcp = (struct tcphdr *)ack->words;
	__be16 old_bytes, new_bytes = bpf_htons(IP_BYTES + ack->bytes);
	void *data, *data_end;
	struct iphdr *ip;
	__u16 pseudo;

	ack->words[6] = bpf_htons(ack->bytes / 4 << 12 | ACK); /* data offset and flags */
	tcp->urg_ptr = 0;
	tcp->check = 0;
	pseudo = pseudo_sum(p->flow.source_addr, p->flow.destination_addr, ack->bytes);
	/* what is not sent is zero and adds nothing */
	tcp->check = partial ? pseudo
			     : (__u16)~fold((__u64)pseudo + words_sum(ack->words, ACK_BYTES_MAX));
	if (ack->bytes == ACK_BYTES_MAX
		    ? bpf_skb_store_bytes(p->ctx, TCP_OFFSET, ack->words, ACK_BYTES_MAX, 0)
		    : bpf_skb_store_bytes(p->ctx, TCP_OFFSET, ack->words, TCP_BYTES, 0))
		return -1;

	data = (void *)(long)p->ctx->data;
	data_end = (void *)(long)p->ctx->data_end;
	if (data + OPTIONS_OFFSET > data_end)
		return -1;
	ip = data + IP_OFFSET;
	old_bytes = ip->tot_len;
	ip->tot_len = new_bytes;
	ip->check = ~fold(minus16(ip->check) + minus16(old_bytes) + new_bytes);
	return 0;
}

/*
 * Returns 0 when the packet at hand is now the bare ACK; 1 when it is still what it
 * was; -1 when it is neither.
 */
static __always_inline int become_bare_ack(struct packet *p)
{
	struct bare_ack ack = {}; /* words without a timestamp are summed, too */
	int partial;

	if (read_header(p, &ack) || bpf_clone_redirect(p->ctx, p->ctx->ifindex, BPF_F_INGRESS))
		return 1;
	partial = cut_frame(p->ctx, TCP_OFFSET + ack.bytes);
	if (partial < 0 || write_bare_ack(p, &ack, partial))
		return -1;
	p->flags = ACK;
	p->tcp_header_bytes = ack.bytes;
	p->ip_bytes = IP_BYTES + ack.bytes;
	return 0;
}

#endif
