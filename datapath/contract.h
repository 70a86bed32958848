/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * contract.h: everything the kernel programs and user space share.
 *
 * Every struct is mirrored in binding/contract.ts and compared with BTF by a
 * test. Keys are compared byte by byte, so padding is always zero. `__be16` and
 * `__be32` are wire order; plain integers are host order. Numbers of verdicts,
 * events and states are public: append, never renumber.
 */
#ifndef FULLNAT_CONTRACT_H
#define FULLNAT_CONTRACT_H

#include <linux/types.h>

/* Raised whenever a map's layout changes; it is part of every pin's name, so an
 * old map is never read as a new one. */
#define CONTRACT_VERSION 1

#define NO_SLOT 0xffffffffu

/* Time in the session tables: 2^20 ns, 1.048576 ms, of CLOCK_MONOTONIC, modulo
 * 2^32 (52 days). A shift instead of a division per packet. */
#define TICK_SHIFT 20
#define TOUCH_TICKS 954 /* 1 s: how often a busy session's slot is written */

/* ---- Tuples ------------------------------------------------------------ */

/* A TCP flow as one side puts it on the wire: key of `sessions`. */
struct flow4 {
	__be32 source_addr, destination_addr;
	__be16 source_port, destination_port;
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct flow4) == 16, "keep binding/contract.ts in step");

/* An address and a port that packets are sent to. */
struct endpoint4 {
	__be32 addr;
	__be16 port;
	__u8 protocol;
	__u8 pad;
};
_Static_assert(sizeof(struct endpoint4) == 8, "keep binding/contract.ts in step");

/* ---- Sessions: the same machinery in balancer and agent ------------------ */

enum session_state {
	STATE_FREE = 0,
	STATE_OPENING = 1,     /* SYN seen, handshake not complete */
	STATE_ESTABLISHED = 2, /* handshake complete */
	STATE_CLOSING = 3,     /* a FIN seen from one side */
	STATE_TIME_WAIT = 4,   /* FINs from both sides: the tuple rests */
	STATE_RESET = 5,       /* a RST seen; traffic brings it back to established */
	STATE_DEAD = 6,        /* claimed by the sweeper, about to be deleted */
	STATE_COUNT = 7,
};

/* Bits 8.. of session_slot.word: who has sent a FIN. */
#define CLOSED_BY_FRONT 0x100u
#define CLOSED_BY_BACK 0x200u
/* ... and a RST: only a later packet of the same side shows that it was forged. */
#define RESET_BY_FRONT 0x400u
#define RESET_BY_BACK 0x800u
#define STATE_OF(word) (0xffu & (word))

/* What a session is; always SESSION_BALANCED in the balancer. */
enum session_kind {
	SESSION_BALANCED = 0, /* balancer: client->listener <-> local->backend */
	SESSION_RESTORED = 1, /* agent: client address put back */
	SESSION_KEPT = 2,     /* agent: from a local, left as it is (policy, no TOA, hairpin) */
	SESSION_DIRECT = 3,   /* agent: client->backend without the balancer */
};

#define SLOT_REMAPPED 0x1     /* agent: the server sees another port than the client's */
#define SLOT_ADOPTED 0x2      /* agent: found in mid-stream, no SYN seen */
#define SLOT_REOPENED 0x4     /* taken up again by a SYN while it rested */
#define SLOT_SHIFTED 0x8      /* its numbers are moved: `numbers` */
#define SLOT_ENDED 0x10       /* closing: `numbers` has the last sequence number ... */
#define SLOT_ENDED_TIMED 0x20 /* ... and the last timestamp */
#define SLOT_BEFORE 0x40      /* opening: it has those of a connection before, ... */
#define SLOT_BEFORE_TIMED 0x80
#define SLOT_NUMBERS (SLOT_ENDED | SLOT_ENDED_TIMED | SLOT_BEFORE | SLOT_BEFORE_TIMED)

/* session_slot.seat: 1 + the number of its client's in `client_seats`, and whether it counts
 * there as half open, too. */
#define SEAT_NUMBER 0x7fffffffu
#define SEAT_HALF_OPEN 0x80000000u

/* session_slot.local of an agent's session that holds no port of the remap range. */
#define NO_LOCAL 0xffffu

/*
 * One per session: its life, and what names its two map entries. Touched only
 * when the state changes or a second has passed, and scanned in order by the
 * sweeper; the per-packet data is in the two session entries.
 */
struct session_slot {
	struct flow4 front; /* key in `sessions`: as received from the client's side */
	struct flow4 back;  /* key in `sessions`: as received from the server's side */
	__u32 word;         /* state and FIN bits; changed by compare-and-swap only */
	__u32 seen;         /* ticks; last packet, at most TOUCH_TICKS behind */
	__u32 created;      /* ticks */
	/* initial sequence numbers; after a gigabyte moved, so that with the bytes counted they
	 * say where each side has come */
	__u32 front_isn; /* the client's, as the server sees it */
	__u32 back_isn;  /* the server's, 0 until its SYN+ACK */
	__u16 listener;  /* index; in the agent: 0 */
	__u16 backend;   /* index */
	__u16 local;     /* index of the LIP; agent: 0 when remapped, else NO_LOCAL */
	__u8 kind;       /* enum session_kind */
	__u8 flags;      /* SLOT_* */
	union {
		__u32 seat;         /* balancer: SEAT_*; 0: its client is not counted */
		__be16 wanted_port; /* agent: the peer port the server sees but for a collision */
	};
};
_Static_assert(sizeof(struct session_slot) == 64,
	       "one cache line; keep binding/contract.ts in step");

#define ENTRY_BACK 0x1          /* received from the server's side */
#define ENTRY_ESTABLISHED 0x2   /* fast path: the slot is read only once a second */
#define ENTRY_TOA_HANDSHAKE 0x4 /* front, balancer: TOA goes on handshake ACKs too */
#define ENTRY_IDENTITY 0x8      /* agent: nothing is rewritten */
#define ENTRY_LINK 0x10         /* back, agent: link is set */
#define ENTRY_TOA_OFF 0x20      /* front, balancer: no TOA at all */
#define ENTRY_TOA_DUE 0x100     /* front, balancer: the SYN had no room for TOA */
#define ENTRY_TOA_SENT 0x200    /* front, balancer: a segment after the SYN had it */
#define ENTRY_SHIFTED 0x400     /* numbers are moved: `numbers` */
#define ENTRY_RELEASED 0x80     /* back, agent: its client side belongs to another session now */
#define ENTRY_FROM_LOCAL 0x40   /* agent: comes through a balancer; replies follow the link */
#define ENTRY_AWAITED 0x800     /* back, balancer: the server has sent nothing yet */
#define ENTRY_COOKIE 0x1000 /* balancer: opened by a SYN cookie; the backend has not answered yet */
#define ENTRY_SPLICED 0x2000 /* balancer: it has: both sides' numbers are moved: `splices` */

/* Where the packets of one direction go, as the kernel said last; good for a period of time. */
struct hop_use {
	__u16 index;      /* in `next_hops`; 0: not known */
	__u16 generation; /* of all next hops, when the kernel was asked */
	__u8 period;      /* then, modulo 256 */
	__u8 tos;         /* of the packet for which it was asked, without ECN */
};
_Static_assert(sizeof(struct hop_use) == 6, "keep binding/contract.ts in step");

/*
 * Value of `sessions`: how a packet with the key's tuple leaves. A session has
 * two, one per direction; both exist or neither. Counters are plain adds: one
 * CPU at a time receives a flow's direction.
 */
struct session_entry {
	__u64 bytes;   /* of IP packets received in this direction */
	__u32 packets; /* modulo 2^32 */
	__be32 source_addr, destination_addr;
	__be16 source_port, destination_port;
	__u32 slot;
	__u32 seen; /* ticks; when this direction last touched the slot */
	union {
		__u32 handshake_ack; /* front: server's ISN + 1, 0 until the handshake is complete */
		__u32 awaited_since; /* back, ENTRY_AWAITED: 2^10 ns, when the SYN came */
	};
	__u16 listener, backend;
	union {
		__u8 link[6];       /* back, agent: link-layer address the request came from */
		struct hop_use hop; /* balancer */
	};
	__u16 flags; /* ENTRY_* */
};
_Static_assert(sizeof(struct session_entry) == 48, "keep binding/contract.ts in step");

/* Added to the client's numbers for the server, and taken off what it says about them. */
struct shift {
	__u32 sequence; /* SEQ; ACK and SACK edges of the server's */
	__u32 time;     /* TSval; TSecr of the server's */
};

/* Value of `numbers`, by slot: of the few sessions that are shifted, and of closing ones. */
struct numbers {
	struct shift shift;
	struct shift last; /* how far the client came, as the server saw: next SEQ, last TSval */
};
_Static_assert(sizeof(struct numbers) == 16, "keep binding/contract.ts in step");

/*
 * Value of `splices`, by slot: a session that a SYN cookie opened. The client knows the
 * server by the numbers of our own SYN+ACK: what is added to the server's for the client,
 * and taken off what the client says about them. Before the server's SYN+ACK: our numbers.
 */
struct splice {
	__u32 sequence;    /* SEQ; ACK and SACK edges of the client's */
	__u32 time;        /* TSval; TSecr of the client's; 0: it uses no timestamps */
	__u32 client_time; /* TSval of the client's ACK */
	__be16 window;     /* of the client's ACK */
	__s8 back_scale;   /* bits that the server's windows move left, or right below 0 */
	__u8 front_scale;  /* bits that the client's windows move left */
};
_Static_assert(sizeof(struct splice) == 16, "keep binding/contract.ts in step");

/* ---- Settings ------------------------------------------------------------ */

/* One entry, map `settings`. */
struct settings {
	__u64 secret[2];        /* random per instance: local-port order, client hash */
	__u32 timeout[8];       /* ticks, by enum session_state */
	__u32 session_capacity; /* entries of session_slots */
	__u32 opening_max;      /* half-open limit; older half-open ones give way */
	__u32 local_count;      /* balancer: entries of `locals` in use */
	__u32 client_sets;      /* balancer: entries of `client_seats` */
};
_Static_assert(sizeof(struct settings) == 64, "keep binding/contract.ts in step");

/* One entry, map `sweep`; the timer lives in the kernel, not in the daemon. */
struct sweep_stats {
	__u64 passes;      /* complete walks over the used slots */
	__u64 expired[8];  /* by the state the session was in */
	__u64 evicted;     /* opening sessions that gave way */
	__u64 nanoseconds; /* spent in the sweeper */
	__u32 cursor;
	__u32 high_water; /* slots below this have been used at least once */
	__u32 opening;    /* sessions in STATE_OPENING now */
	__u32 live;       /* sessions in OPENING, ESTABLISHED or CLOSING now */
	__u32 resting;    /* sessions in TIME_WAIT or RESET now */
	__u32 pad;
};
_Static_assert(sizeof(struct sweep_stats) == 112, "keep binding/contract.ts in step");

/* ---- Balancer ------------------------------------------------------------ */

enum toa_mode { TOA_OFF = 0, TOA_SYN = 1, TOA_HANDSHAKE = 2 };
enum syn_protection { SYN_PROTECTION_OFF = 0, SYN_PROTECTION_AUTO = 1, SYN_PROTECTION_ALWAYS = 2 };
enum refusal { REFUSE_RESET = 0, REFUSE_DROP = 1, REFUSE_ICMP = 2 };

/* Value of `listeners`, keyed by struct endpoint4. */
struct listener {
	__u32 pool;          /* index into `pools` */
	__u32 sessions_max;  /* live sessions; 0: no limit of its own */
	__u16 index;         /* into the listener counters */
	__u8 toa;            /* enum toa_mode */
	__u8 on_unknown;     /* enum refusal: no session and not a SYN */
	__u8 on_refused;     /* enum refusal: no backend, no local port, table full, limit */
	__u8 syn_protection; /* enum syn_protection */
	__u8 pad[2];
};
_Static_assert(sizeof(struct listener) == 16, "keep binding/contract.ts in step");

enum schedule_select {
	SELECT_ROUND_ROBIN = 0,
	SELECT_SOURCE_HASH = 1,       /* by the client's address */
	SELECT_CONNECTION_HASH = 2,   /* by its address and port */
	SELECT_LEAST_CONNECTIONS = 3, /* the fewest live sessions for its weight */
};

/* An entry of `schedule`: index of a backend, and above it its weight, for least connections. */
#define SCHEDULE_WEIGHT_SHIFT 16

/*
 * Value of `pools`, an array. `table` names the pool's run of `schedule`
 * entries in one word, offset << 32 | length, so that a swap is one store.
 */
struct pool {
	__u64 table;
	__u8 select;                      /* enum schedule_select */
	__u8 sticky_bits;                 /* prefix length of what keeps its backend; 0: nobody */
	__u16 sticky_seconds;             /* ... for so long after its last new connection */
	__u32 locals_first, locals_count; /* run of `locals` used as sources */
	__u32 seed;                       /* of the hashes */
};
_Static_assert(sizeof(struct pool) == 24, "keep binding/contract.ts in step");

/* Key of `sticky_clients`: clients of one pool with so many bits in common, host order. */
struct sticky_key {
	__u32 pool, network;
};

/* Value of `sticky_clients`. The address is there because indices are given away again. */
struct sticky {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__be32 addr;
	__be16 port;
	__u16 backend; /* index */
};
_Static_assert(sizeof(struct sticky) == 16, "keep binding/contract.ts in step");

/* Value of `backends`, an array; the index is stable while sessions refer to it. */
struct backend {
	__be32 addr;
	__be16 port;
	__u8 used;
	__u8 out; /* in no table: a SYN on a resting session of its does not come back to it */
};
_Static_assert(sizeof(struct backend) == 8, "keep binding/contract.ts in step");

/* Value of `backend_trouble`, by backend index: of connections that were not accepted; modulo 2^32. */
struct trouble {
	__u32 refused;    /* RSTs instead of a SYN+ACK */
	__u32 unanswered; /* SYNs sent again before there was any answer */
};

/* So many nanoseconds from one to the next, on average; as many at once as make up `tolerance`. */
struct rate {
	__u64 interval_ns; /* 0: no limit */
	__u64 tolerance_ns;
};

enum access { ACCESS_ALLOW = 1, ACCESS_DENY = 2 };

/*
 * Value of `admissions`, an array by listener index: whose SYN may open a session
 * there. 0 is no limit. Live sessions and open ones do not depend on it.
 */
struct admission {
	__u64 access; /* list in the keys of `access_prefixes` */
	struct rate rate, client_rate;
	__u32 client_sessions_max, client_opening_max;
	__u32 client_bits;   /* what is one client: prefix length; 0: clients are not looked at */
	__u32 syn_threshold; /* half-open sessions from which on SYN_PROTECTION_AUTO sends cookies */
};
_Static_assert(sizeof(struct admission) == 56, "keep binding/contract.ts in step");

/* Value of `protections`, an array by listener index: its half-open sessions, and SYN cookies. */
struct protection {
	__u32 opening;      /* half-open sessions now */
	__u32 active;       /* 1: SYNs are answered with cookies, by SYN_PROTECTION_AUTO */
	__u32 last_cookie;  /* ticks; when one was sent; 0: never */
	__u32 period_start; /* ticks; of the two counts that follow */
	__u32 sent, accepted;
};
_Static_assert(sizeof(struct protection) == 24, "keep binding/contract.ts in step");

/* Key of `access_prefixes`, a longest-prefix trie; every list has the prefix of length 0. */
struct access_prefix4 {
	__u32 bits;    /* of all that follows: 64 + the prefix's own */
	__u32 list[2]; /* admission.access, low word first; another version is another list */
	__be32 addr;
};
_Static_assert(sizeof(struct access_prefix4) == 16, "keep binding/contract.ts in step");

/*
 * What is known of one client of one listener. The word is changed as a whole: a
 * hash of both in its upper half, 0 when the seat was never taken; then 16 bits of
 * live sessions, and 16 bits of those that are opening. With both 0 it may be given
 * to another client.
 */
struct client_seat {
	__u64 word;
	__u64 next_ns; /* its token bucket: when it would be full again */
};

#define CLIENT_WAYS 8 /* a client can have one of so many seats */

/* Value of `client_seats`, an array. */
struct client_set {
	struct client_seat seats[CLIENT_WAYS];
};
_Static_assert(sizeof(struct client_set) == 128,
	       "two cache lines; keep binding/contract.ts in step");

/* Value of `locals`, an array; `locals_by_addr` gives the index for an address. */
struct local {
	__be32 addr;
	__u16 port_low, port_high; /* inclusive */
};
_Static_assert(sizeof(struct local) == 8, "keep binding/contract.ts in step");

/* Key of `local_ports`: the ports of one LIP towards one backend. In the agent:
 * the remap range of one backend, `local` 0. */
struct local_pair {
	__u32 local, backend;
};

struct local_ports {
	__u64 allocated; /* ports handed out, ever */
	__u64 probes;    /* candidates looked at for them */
	__u64 failed;    /* requests that found none */
	__u64 reused;    /* of those handed out: rested at that moment */
	__u32 cursor;    /* position in the permutation of the range */
	__u32 in_use;    /* live sessions */
	__u32 resting;   /* sessions in time-wait or reset */
	__u32 pad;
};
_Static_assert(sizeof(struct local_ports) == 48, "keep binding/contract.ts in step");

/* Per CPU, by listener index and by backend index; `in` is from the client. */
struct traffic {
	__u64 connections;
	__u64 packets_in, bytes_in;
	__u64 packets_out, bytes_out;
	__u64 refused;           /* SYNs answered with RST or dropped by us */
	__u64 toa_inserted;      /* segments that got TOA */
	__u64 toa_not_inserted;  /* segments that should have and had no room */
	__u64 toa_announced;     /* of those, after a bare ACK of ours that carried it */
	__u64 toa_not_delivered; /* of those, when that failed: the server sees the local */
};
_Static_assert(sizeof(struct traffic) == 80, "keep binding/contract.ts in step");

/* Time from a SYN to its answer: 2^10 ns, about a microsecond, modulo 2^32 (73 minutes). */
#define ANSWER_SHIFT 10
#define ANSWER_BUCKETS 24

/* Per CPU, by listener index: what became of its connections. */
struct outcomes {
	/* first SYN to first SYN+ACK; entry n: less than 2^n units of 2^10 ns, the last: more */
	__u64 answers[ANSWER_BUCKETS];
	__u64 answer_units;  /* all of these times together, in 2^10 ns */
	__u64 resets_client; /* sessions that a RST of the client ended, ... */
	__u64 resets_server; /* ... and one of the server */
};
_Static_assert(sizeof(struct outcomes) == 216, "keep binding/contract.ts in step");

/* Entries of `port_probes`, per CPU: searches for a port that looked at 1, 2, 4 ... candidates at most. */
#define PROBE_BUCKETS 8

/* ---- Agent --------------------------------------------------------------- */

enum collision_policy { ON_COLLISION_REMAP = 0, ON_COLLISION_LOCAL = 1, ON_COLLISION_DROP = 2 };

/* Value of `servers`, keyed by struct endpoint4 (RIP:rport). */
struct server {
	__u16 backend;               /* index into the traffic counters */
	__u16 remap_low, remap_high; /* inclusive, host order */
	__u8 on_collision;           /* enum collision_policy */
	__u8 pad;
};
_Static_assert(sizeof(struct server) == 8, "keep binding/contract.ts in step");

/* Key of `trusted_locals`, a longest-prefix trie. */
struct prefix4 {
	__u32 bits;
	__be32 addr;
};

/* Key and value of `collisions`: counters per client and backend. */
struct collision_key {
	__be32 client_addr;
	__u32 backend;
};
struct collision_count {
	__u64 remapped, kept_local, dropped;
};

/* ---- Agent, socket mode --------------------------------------------------- */

/* Which segment told us the client of a socket. */
enum client_source {
	CLIENT_FROM_SYN = 0,
	CLIENT_FROM_HANDSHAKE = 1, /* what completed the handshake: its ACK, or first data */
	CLIENT_FROM_LATER = 2,     /* after it: accept() may have answered with the local */
};

/* Addresses in socket mode are IPv6, or IPv4 as ::ffff:a.b.c.d. */

/* Key of `socket_trusted`, a longest-prefix trie. */
struct prefix6 {
	__u32 bits;
	__be32 addr[4];
};
_Static_assert(sizeof(struct prefix6) == 20, "keep binding/contract.ts in step");

/* Key of `socket_servers`. */
struct endpoint6 {
	__be32 addr[4];
	__be16 port;
	__u8 protocol;
	__u8 pad;
};
_Static_assert(sizeof(struct endpoint6) == 20, "keep binding/contract.ts in step");

/* Value of `clients`, socket storage: who is behind a connection from a local. */
struct client {
	__be32 addr[4];
	__be16 port;
	__u8 source; /* enum client_source */
	__u8 pad;
	__u32 since; /* ticks */
};
_Static_assert(sizeof(struct client) == 24, "keep binding/contract.ts in step");

/* What `list_clients` writes for each socket. */
struct client_record {
	struct client client;
	__be32 local_addr[4], server_addr[4]; /* as `ss` shows them: peer and own */
	__be16 local_port, server_port;
	__u32 network; /* inode number of its network namespace */
	__u8 state;    /* the kernel's own numbers: TCP_ESTABLISHED = 1 ... */
	__u8 pad[3];
};
_Static_assert(sizeof(struct client_record) == 68, "keep binding/contract.ts in step");

/* One entry, map `socket_settings`. */
struct socket_settings {
	__u64 cgroup;       /* id of the cgroup that the programs are attached to */
	__u32 servers_only; /* 1: only sockets whose own address is in `socket_servers` */
	__u32 pad;
};
_Static_assert(sizeof(struct socket_settings) == 16, "keep binding/contract.ts in step");

/* Counters of socket mode; map `socket_notes`, per CPU. */
enum socket_note {
	SOCKET_NOTE_CLIENT_FROM_SYN = 0,
	SOCKET_NOTE_CLIENT_FROM_HANDSHAKE = 1,
	SOCKET_NOTE_CLIENT_FROM_LATER = 2,
	SOCKET_NOTE_CLIENT_UNKNOWN = 3,      /* no TOA up to the end of the handshake */
	SOCKET_NOTE_CLIENT_UNTRUSTED = 4,    /* TOA not from a trusted local, ignored */
	SOCKET_NOTE_CLIENT_NOT_SHOWABLE = 5, /* an IPv6 client behind an IPv4 socket */
	SOCKET_NOTE_CLIENT_NO_MEMORY = 6,    /* the kernel had no memory for the storage */
	SOCKET_NOTE_SYN_NOT_SAVED = 7,       /* SYN cookie, or listener older than the agent */
	SOCKET_NOTE_COUNT = 16,
};

/* ---- Verdicts: how every packet left ------------------------------------- */

enum verdict {
	VERDICT_PASS = 0,          /* not ours: untouched */
	VERDICT_TO_BACKEND = 1,    /* translated, client's side -> server's side */
	VERDICT_TO_CLIENT = 2,     /* translated, server's side -> client's side */
	VERDICT_RESET_UNKNOWN = 3, /* no session and not a SYN: answered with RST */
	VERDICT_RESET_NO_BACKEND = 4,
	VERDICT_RESET_NO_LOCAL_PORT = 5,
	VERDICT_RESET_TABLE_FULL = 6,
	VERDICT_RESET_LISTENER_LIMIT = 7,
	VERDICT_DROP_UNKNOWN = 8, /* the same five, where the listener says drop */
	VERDICT_DROP_NO_BACKEND = 9,
	VERDICT_DROP_NO_LOCAL_PORT = 10,
	VERDICT_DROP_TABLE_FULL = 11,
	VERDICT_DROP_LISTENER_LIMIT = 12,
	VERDICT_DROP_MALFORMED = 13,    /* lengths that contradict each other */
	VERDICT_DROP_BAD_CHECKSUM = 14, /* IPv4 header checksum */
	VERDICT_DROP_FRAGMENT = 15,
	VERDICT_DROP_IP_OPTIONS = 16,
	VERDICT_DROP_TTL = 17,             /* would be 0 after us */
	VERDICT_DROP_NO_SESSION = 18,      /* to a local, and no session has that tuple */
	VERDICT_DROP_RACE = 19,            /* session being deleted at this moment */
	VERDICT_DROP_NO_ROUTE = 20,        /* the kernel has no route, or forwarding is off */
	VERDICT_DROP_TOO_BIG = 21,         /* larger than the next hop's MTU */
	VERDICT_DROP_INTERNAL = 22,        /* a kernel helper failed */
	VERDICT_DROP_LOCAL_NOT_TCP = 23,   /* to a local, not TCP */
	VERDICT_DROP_COLLISION = 24,       /* agent, policy drop */
	VERDICT_DROP_REMAP_EXHAUSTED = 25, /* agent: no free port in the remap range */
	VERDICT_DROP_STALE = 26,           /* agent: tuple now belongs to another connection */
	VERDICT_KEPT = 27,                 /* agent: known session, nothing to rewrite */
	VERDICT_DROP_TUPLE_OWNED = 28,     /* agent: the server has this tuple already */
	VERDICT_DROP_LATER_FRAGMENT = 29,  /* to a local: no ports to find the session by */
	VERDICT_RESET_DENIED = 30,         /* by the listener's access list */
	VERDICT_DROP_DENIED = 31,          /* this and the next: where the listener says drop */
	VERDICT_RESET_LISTENER_RATE = 32,
	VERDICT_DROP_LISTENER_RATE = 33,
	VERDICT_RESET_CLIENT_RATE = 34,
	VERDICT_DROP_CLIENT_RATE = 35,
	VERDICT_RESET_CLIENT_LIMIT = 36, /* live sessions of one client */
	VERDICT_DROP_CLIENT_LIMIT = 37,
	VERDICT_RESET_CLIENT_OPENING = 38, /* half-open sessions of one client */
	VERDICT_DROP_CLIENT_OPENING = 39,
	VERDICT_RESET_BACKEND_LIMIT = 40, /* every backend that is up has its most */
	VERDICT_DROP_BACKEND_LIMIT = 41,
	VERDICT_ERROR_TO_BACKEND = 42,  /* ICMP error about a session, translated back */
	VERDICT_ERROR_TO_CLIENT = 43,   /* the same, to the client's side */
	VERDICT_DROP_ERROR_FORGED = 44, /* ICMP error that quotes what was never sent */
	VERDICT_DROP_ERROR_LIMIT = 45,  /* more ICMP errors than are passed on */
	VERDICT_ANSWER_TOO_BIG = 46,    /* DROP_TOO_BIG, answered with ICMP 3/4 */
	VERDICT_ANSWER_TTL = 47,        /* DROP_TTL, answered with ICMP 11/0 */
	VERDICT_PROHIBITED = 48,        /* a refused SYN, answered with ICMP 3/13 */
	VERDICT_RESET_ENDED = 49, /* its session is over with its backend: answered with RST */
	VERDICT_COOKIE = 50,      /* a SYN, answered with a SYN cookie */
	VERDICT_RESET_STALE = 51, /* balancer: the backend answers for an older connection: RST */
	VERDICT_RESET_BACKEND_FAILED = 52, /* portable engine: no backend accepted */
	VERDICT_COUNT = 64,
};

/* Counters that are not the end of a packet; map `notes`, per CPU. */
enum note {
	NOTE_TOA_FORGED_CLIENT = 0, /* balancer: TOA from a client, blanked */
	NOTE_TOA_UNTRUSTED = 1,     /* agent: TOA not from a trusted local, blanked */
	NOTE_TOA_MISSING = 2,       /* agent: SYN from a trusted local without TOA */
	NOTE_TOA_STRIPPED = 3,      /* agent: TOA replaced by NOPs before the server */
	NOTE_HAIRPIN = 4,           /* agent: client is the server itself, local kept */
	NOTE_COLLISION_REMAPPED = 5,
	NOTE_COLLISION_LOCAL = 6,
	NOTE_COLLISION_DROPPED = 7,
	NOTE_ADOPTED = 8,    /* agent: connection found in mid-stream */
	NOTE_EVENT_LOST = 9, /* ring buffer was full */
	NOTE_REOPENED = 10,  /* a resting session taken up again by a SYN */
	NOTE_OPENING_EVICTED = 11,
	NOTE_REMAP_EXHAUSTED =
		12, /* agent: no free port in the remap range; local kept if there is one */
	NOTE_TOA_NOT_DELIVERED = 13,  /* balancer: no segment of the handshake could carry TOA */
	NOTE_REUSED = 14,             /* a resting tuple was given to another connection */
	NOTE_RESTING_EVICTED = 15,    /* the table was full: a resting session gave way */
	NOTE_CLIENT_UNSEATED = 16,    /* balancer: a client's limits could not be kept */
	NOTE_RESET_NOT_BELIEVED = 17, /* RST with a sequence number never reached: state kept */
	NOTE_FIN_NOT_BELIEVED = 18,   /* the same of a FIN */
	NOTE_BEGUN_ANEW = 19, /* the server accepted a new connection on a session that was live */
	NOTE_COOKIE_ACCEPTED = 20, /* an ACK brought a SYN cookie back: a session was opened */
	NOTE_COOKIE_WRONG = 21,    /* an ACK without a session, and with no cookie of ours */
	NOTE_COOKIE_AGAIN = 22,    /* the SYN to the backend of such a session was sent again */
	NOTE_OPENING_TAKEN = 23,   /* no port was left: a half-open session gave way */
	NOTE_COUNT = 32,
};

/* ---- Events, ring buffer `events` ---------------------------------------- */

enum event_type {
	EVENT_COLLISION = 1,
	EVENT_NO_LOCAL_PORT = 2, /* at most one a second */
	EVENT_NO_BACKEND = 3,    /* at most one a second */
	EVENT_TABLE_FULL = 4,    /* at most one a second */
	EVENT_OPENING_LIMIT = 5, /* half-open sessions give way; at most one a second */
	EVENT_LISTENER_LIMIT = 6,
	EVENT_LISTENER_RATE = 7,
	EVENT_CLIENT_LIMIT = 8, /* sessions, half-open ones or rate of one client: the subject's */
	EVENT_BACKEND_LIMIT = 9,
	EVENT_SYN_PROTECTION_ON = 10, /* SYNs are answered with cookies from now on */
	EVENT_SYN_PROTECTION_OFF = 11,
};

enum collision_action {
	ACTION_NONE = 0,
	ACTION_REMAPPED = 1,
	ACTION_KEPT_LOCAL = 2,
	ACTION_DROPPED = 3
};

struct event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 type;    /* enum event_type */
	__u16 listener, backend;
	struct flow4 subject; /* the new connection as it arrived */
	struct flow4 owner;   /* collision: the connection that owned the tuple, as it arrives */
	struct flow4 visible; /* collision: the tuple both wanted (server -> peer) */
	__u32 owner_age;      /* ticks */
	__be16 visible_port;  /* collision: the peer port the server now sees */
	__u16 local;          /* index of the LIP, for EVENT_NO_LOCAL_PORT */
	__u8 action;          /* enum collision_action */
	__u8 owner_state;     /* enum session_state */
	__u8 owner_kind;      /* enum session_kind */
	__u8 subject_kind;    /* enum session_kind */
	__u32 pad;
};
_Static_assert(sizeof(struct event) == 80, "keep binding/contract.ts in step");

#endif
