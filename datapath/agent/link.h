/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* link.h: replies go back to the link-layer address the requests come from. */
#ifndef FULLNAT_AGENT_LINK_H
#define FULLNAT_AGENT_LINK_H

#include "../lib/session.h"

struct link {
	__u8 addr[ETH_ALEN];
};

static __always_inline int read_source_link(const struct packet *p, struct link *link)
{
	return bpf_skb_load_bytes(p->ctx, ETH_ALEN, link->addr, ETH_ALEN);
}

static __always_inline int same_link(const struct link *link, const __u8 *addr)
{
	for (int i = 0; i < ETH_ALEN; i++)
		if (link->addr[i] != addr[i])
			return 0;
	return 1;
}

/*
 * Keeps the reply's link-layer address in step with the request's. Each entry has
 * a copy, so the other one is looked up only when the sender moves, as when
 * another router takes over.
 */
static __always_inline void learn_link(const struct packet *p, struct session_entry *front)
{
	struct session_entry *back;
	struct session_slot *slot;
	struct link link;

	if (read_source_link(p, &link) || same_link(&link, front->link))
		return;
	slot = get_slot(front->slot);
	if (!slot)
		return;
	__builtin_memcpy(front->link, link.addr, ETH_ALEN);
	back = bpf_map_lookup_elem(&sessions, &slot->back);
	if (!back || back->slot != front->slot)
		return;
	__builtin_memcpy(back->link, link.addr, ETH_ALEN);
	back->flags |= ENTRY_LINK;
}

/* Addresses a reply to where its requests come from. */
static __always_inline void follow_link(const struct packet *p, const struct session_entry *back)
{
	struct link link;

	if (!(back->flags & ENTRY_LINK))
		return;
	__builtin_memcpy(link.addr, back->link, ETH_ALEN);
	bpf_skb_store_bytes(p->ctx, 0, link.addr, ETH_ALEN, 0);
}

#endif
