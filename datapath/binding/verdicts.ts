/** How packets leave and what is counted on the way: public numbers, names and meanings. Append only. */

export type Verdict = keyof typeof VERDICT;
/** Numbers of enum verdict; index into `verdicts`, whose length is VERDICT_COUNT. */
export const VERDICT = {
  pass: 0,
  'to-backend': 1,
  'to-client': 2,
  'reset-unknown': 3,
  'reset-no-backend': 4,
  'reset-no-local-port': 5,
  'reset-table-full': 6,
  'reset-listener-limit': 7,
  'drop-unknown': 8,
  'drop-no-backend': 9,
  'drop-no-local-port': 10,
  'drop-table-full': 11,
  'drop-listener-limit': 12,
  'drop-malformed': 13,
  'drop-bad-checksum': 14,
  'drop-fragment': 15,
  'drop-ip-options': 16,
  'drop-ttl': 17,
  'drop-no-session': 18,
  'drop-race': 19,
  'drop-no-route': 20,
  'drop-too-big': 21,
  'drop-internal': 22,
  'drop-local-not-tcp': 23,
  'drop-collision': 24,
  'drop-remap-exhausted': 25,
  'drop-stale': 26,
  kept: 27,
  'drop-tuple-owned': 28,
  'drop-later-fragment': 29,
  'reset-denied': 30,
  'drop-denied': 31,
  'reset-listener-rate': 32,
  'drop-listener-rate': 33,
  'reset-client-rate': 34,
  'drop-client-rate': 35,
  'reset-client-limit': 36,
  'drop-client-limit': 37,
  'reset-client-opening': 38,
  'drop-client-opening': 39,
  'reset-backend-limit': 40,
  'drop-backend-limit': 41,
  'error-to-backend': 42,
  'error-to-client': 43,
  'drop-error-forged': 44,
  'drop-error-limit': 45,
  'answer-too-big': 46,
  'answer-ttl': 47,
  prohibited: 48,
  'reset-ended': 49,
  cookie: 50,
  'reset-stale': 51,
  'reset-backend-failed': 52,
} as const;
export const VERDICT_COUNT = 64;

/** One line each, for the person who reads the counters. */
export const VERDICT_MEANING: Readonly<Record<Verdict, string>> = {
  pass: 'not for a listener, a local or a server of this instance; left untouched',
  'to-backend': 'translated and sent on to the backend',
  'to-client': 'translated and sent back to the client',
  'reset-unknown': 'not a SYN and no session has its tuple; answered with RST',
  'reset-no-backend': 'the pool has no backend that is up; answered with RST',
  'reset-no-local-port':
    'every local port towards the backend is taken; answered with RST; add locals',
  'reset-table-full': 'the session table is full; answered with RST; raise sessions.capacity',
  'reset-listener-limit': 'the listener has maxSessions sessions; answered with RST',
  'drop-unknown':
    'not a SYN and no session has its tuple; dropped, as the listener says (onUnknown)',
  'drop-no-backend':
    'the pool has no backend that is up; dropped, as the listener says (onRefused)',
  'drop-no-local-port': 'every local port towards the backend is taken; dropped; add locals',
  'drop-table-full': 'the session table is full; dropped; raise sessions.capacity',
  'drop-listener-limit': 'the listener has maxSessions sessions; dropped',
  'drop-malformed': 'lengths in its headers contradict each other',
  'drop-bad-checksum': 'the checksum of its IPv4 header is wrong, or one in an ICMP error',
  'drop-fragment': 'an IP fragment; TCP should not be fragmented: check the MTU along the path',
  'drop-ip-options': 'it has IP options, which are not translated',
  'drop-ttl':
    'its time to live ended here, and more did than are answered: is there a routing loop?',
  'drop-no-session': 'sent to a local, but no session has its tuple: a late answer, or a scan',
  'drop-race': 'its session was being deleted at that moment; the sender will repeat it',
  'drop-no-route': 'the kernel has no route to where it should go, or IP forwarding is off',
  'drop-too-big':
    'larger than the MTU of the next hop, and more were than are answered with ICMP 3/4',
  'drop-internal': 'a function of the kernel failed; please report it with the kernel version',
  'drop-local-not-tcp': 'sent to a local, and neither TCP nor an ICMP error about TCP',
  'drop-collision':
    'another connection owns the tuple it would have at the server, and the policy is drop',
  'drop-remap-exhausted': 'it had to get another port, and every port of remapPorts is taken',
  'drop-stale': 'its tuple belongs to another connection by now',
  kept: 'of a known session that needs no translation; left untouched',
  'drop-tuple-owned':
    'the server already has a connection with this tuple; the next SYN gets another port',
  'drop-later-fragment':
    'a later IP fragment sent to a local: it has no ports to find its session by',
  'reset-denied': "the listener's access list keeps its client out; answered with RST",
  'drop-denied': "the listener's access list keeps its client out; dropped",
  'reset-listener-rate':
    "more new connections than the listener's rateLimit allows; answered with RST",
  'drop-listener-rate': "more new connections than the listener's rateLimit allows; dropped",
  'reset-client-rate':
    'its client opens more connections than perClient.connectionsPerSecond; answered with RST',
  'drop-client-rate':
    'its client opens more connections than perClient.connectionsPerSecond; dropped',
  'reset-client-limit': 'its client has perClient.maxSessions sessions; answered with RST',
  'drop-client-limit': 'its client has perClient.maxSessions sessions; dropped',
  'reset-client-opening':
    'its client has perClient.maxOpening half-open sessions; answered with RST',
  'drop-client-opening': 'its client has perClient.maxOpening half-open sessions; dropped',
  'reset-backend-limit':
    'every backend of the pool that is up has maxSessions sessions; answered with RST',
  'drop-backend-limit': 'every backend of the pool that is up has maxSessions sessions; dropped',
  'error-to-backend':
    "an ICMP error about a session's packet, translated back and sent on to the backend",
  'error-to-client':
    "an ICMP error about a session's packet, translated back and sent on to the client",
  'drop-error-forged': 'an ICMP error that quotes a sequence number its session never sent',
  'drop-error-limit': 'an ICMP error about a session, beyond what is passed on in one second',
  'answer-too-big':
    'larger than the MTU of the next hop; answered with ICMP 3/4, which tells the MTU',
  'answer-ttl':
    'its time to live ended here; answered with ICMP 11/0: traceroute, or a routing loop',
  prohibited: 'a SYN refused as the listener says (onRefused: icmp); answered with ICMP 3/13',
  'reset-ended':
    'its backend was drained or removed, or is down, and its time is over; answered with RST',
  cookie: 'a SYN answered with a SYN cookie (synProtection); nothing is kept of it',
  'reset-stale':
    'the backend answered for an older connection on its tuple; told so by RST, so that the next SYN is taken',
  'reset-backend-failed':
    'the portable engine tried backends that were up, and none accepted; answered with RST',
};

export type Note = keyof typeof NOTE;
/** Numbers of enum note; index into `notes`, whose length is NOTE_COUNT. */
export const NOTE = {
  'toa-forged-client': 0,
  'toa-untrusted': 1,
  'toa-missing': 2,
  'toa-stripped': 3,
  hairpin: 4,
  'collision-remapped': 5,
  'collision-local': 6,
  'collision-dropped': 7,
  adopted: 8,
  'event-lost': 9,
  reopened: 10,
  'opening-evicted': 11,
  'remap-exhausted': 12,
  'toa-not-delivered': 13,
  reused: 14,
  'resting-evicted': 15,
  'client-unseated': 16,
  'reset-not-believed': 17,
  'fin-not-believed': 18,
  'begun-anew': 19,
  'cookie-accepted': 20,
  'cookie-wrong': 21,
  'cookie-again': 22,
  'opening-taken': 23,
} as const;
export const NOTE_COUNT = 32;

export const NOTE_MEANING: Readonly<Record<Note, string>> = {
  'toa-forged-client': 'a client sent a TOA option; blanked',
  'toa-untrusted': 'a TOA option from an address that is not in trustedLocals; blanked',
  'toa-missing': 'a SYN from a trusted local had no TOA option; its local address was kept',
  'toa-stripped': 'TOA options removed before the server saw them',
  hairpin: "the client is the server itself; the local's address was kept",
  'collision-remapped': 'collisions solved with another client port',
  'collision-local': "collisions solved by keeping the local's address",
  'collision-dropped': 'collisions that the policy drop made fail',
  adopted: 'connections found in mid-stream, for example after a start of the agent',
  'event-lost': 'events not reported because the ring buffer was full',
  reopened: 'resting sessions taken up again by a new SYN of the same client port',
  'opening-evicted': 'half-open sessions that gave way to newer ones (sessions.openingMax)',
  'remap-exhausted':
    'collisions that found no free port in remapPorts; the local was kept where there is one',
  'toa-not-delivered':
    'connections whose handshake could not carry TOA at all; the server sees the local',
  reused: 'resting tuples given to another connection, its numbers shifted where necessary',
  'resting-evicted': 'resting sessions that gave way because the table was full',
  'client-unseated':
    'limits of one client that could not be kept: more clients at a time than the table has seats',
  'reset-not-believed':
    'RSTs with a sequence number that their sender cannot have reached; passed on, the session kept',
  'fin-not-believed':
    'FINs with a sequence number that their sender cannot have reached; passed on, the session kept',
  'begun-anew':
    'live sessions whose client port began another connection, which the server accepted',
  'cookie-accepted':
    'SYN cookies that came back: connections opened after the client had shown it is real',
  'cookie-wrong': 'segments of no session whose acknowledgement is no SYN cookie of ours',
  'cookie-again': 'SYNs sent to a backend once more, because the client asked for its window',
  'opening-taken':
    'half-open sessions that gave way because no local port was left, free or resting',
};

export type SocketNote = keyof typeof SOCKET_NOTE;
/** Numbers of enum socket_note; index into `socket_notes`, whose length is SOCKET_NOTE_COUNT. */
export const SOCKET_NOTE = {
  'client-from-syn': 0,
  'client-from-handshake': 1,
  'client-from-later': 2,
  'client-unknown': 3,
  'client-untrusted': 4,
  'client-not-showable': 5,
  'client-no-memory': 6,
  'syn-not-saved': 7,
} as const;
export const SOCKET_NOTE_COUNT = 16;

export const SOCKET_NOTE_MEANING: Readonly<Record<SocketNote, string>> = {
  'client-from-syn': 'connections whose client was in the SYN',
  'client-from-handshake': 'connections whose client was in what completed the handshake',
  'client-from-later':
    'connections whose client came after the handshake; accept() may have shown the local',
  'client-unknown':
    'connections from a trusted local that showed no TOA up to the end of the handshake',
  'client-untrusted': 'connections with TOA from an address that is not in trustedLocals; ignored',
  'client-not-showable': 'IPv6 clients of IPv4 sockets, which go on showing the local',
  'client-no-memory': 'clients that could not be remembered: the kernel had no memory',
  'syn-not-saved':
    'connections from a trusted local whose SYN was not saved: a SYN cookie was used',
};
