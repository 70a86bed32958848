/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * summed.h: which kind of checksum a packet carries: skb->ip_summed, which no helper tells.
 *
 * bpf_cast_to_kern_ctx() is two instructions, and the field is found by name in the BTF
 * of the running kernel. Before Linux 6.2 there is no such call; then nobody knows.
 */
#ifndef FULLNAT_SUMMED_H
#define FULLNAT_SUMMED_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* include/linux/skbuff.h: CHECKSUM_* */
enum kernel_summed {
	KERNEL_NONE = 0,        /* complete, as on the wire */
	KERNEL_UNNECESSARY = 1, /* complete, and the card has verified it */
	KERNEL_COMPLETE = 2,    /* complete, and skb->csum has the sum of all bytes */
	KERNEL_PARTIAL = 3,     /* the pseudo header's; the rest is added when it is sent */
};

enum summed {
	SUMMED_UNKNOWN = 0,
	SUMMED_WHOLE,   /* in the header alone */
	SUMMED_PARTLY,  /* the header has the pseudo header's sum, not complemented */
	SUMMED_OUTSIDE, /* in skb->csum as well */
};

struct sk_buff___of_kernel {
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *ctx) __weak __ksym;

static __always_inline enum summed how_summed(struct __sk_buff *ctx)
{
	struct sk_buff___of_kernel *skb;

	if (!&bpf_cast_to_kern_ctx) /* the verifier knows, and drops one of the branches */
		return SUMMED_UNKNOWN;
	skb = bpf_cast_to_kern_ctx(ctx);
	switch (BPF_CORE_READ_BITFIELD(skb, ip_summed)) {
	case KERNEL_NONE:
	case KERNEL_UNNECESSARY:
		return SUMMED_WHOLE;
	case KERNEL_PARTIAL:
		return SUMMED_PARTLY;
	default:
		return SUMMED_OUTSIDE;
	}
}

#endif
