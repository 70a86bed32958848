// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* many-clients.bpf.c: a program that connects does so from one of many addresses, for tests. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2

/* Addresses in a row, host order. */
struct sources {
	__u32 first, count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sources);
} sources SEC(".maps");

/* The port is left to connect(), which then need only be unique for this destination. */
SEC("cgroup/connect4")
int choose_source(struct bpf_sock_addr *ctx)
{
	struct sockaddr_in {
		__u16 family;
		__be16 port;
		__be32 addr;
		__u8 pad[8];
	} source = { .family = AF_INET };
	__u32 zero = 0;
	struct sources *from = bpf_map_lookup_elem(&sources, &zero);

	if (from && from->count) {
		source.addr = bpf_htonl(from->first + bpf_get_prandom_u32() % from->count);
		bpf_bind(ctx, (struct sockaddr *)&source, sizeof(source));
	}
	return 1;
}

/* The kernel's helpers demand a GPL-compatible licence; the texts are in LICENSE and LICENSES/. */
char _license[] SEC("license") = "GPL";
