/** Frames that cannot be translated: dropped by name when they are for us, else none of our business. */
import { icmpEcho, toa, udp, type PacketFields } from '../../../packet/index.ts';
import type { Verdict } from '../../binding/verdicts.ts';
import type { BalancerTables, Side } from '../../model/index.ts';
import {
  BACKEND,
  CLIENT,
  fromBackend,
  fromClient,
  LOCAL_ADDRESS,
  toBackend,
  linkFrom,
  WEB,
} from '../network.ts';
import {
  dropped,
  fromBack,
  fromFront,
  passed,
  sent,
  type Expectation,
  type Row,
  type Step,
} from '../row.ts';
import { ACK, bytes, down, ESTABLISHED, SERVER_ACK, SYN, up } from './conversation.ts';

/** A sentence, what is odd, and the verdict where it is for a listener and for a local. */
const ODDITIES: readonly [
  name: string,
  odd: PacketFields & { tcp?: object },
  listener: Verdict,
  local: Verdict,
][] = [
  [
    'says it is longer than the frame',
    { ipv4: { totalBytes: 200 } },
    'drop-malformed',
    'drop-malformed',
  ],
  [
    'says it is shorter than an IPv4 header',
    { ipv4: { totalBytes: 19 } },
    'drop-malformed',
    'drop-malformed',
  ],
  [
    'says it is shorter than both headers',
    { ipv4: { totalBytes: 39 } },
    'drop-malformed',
    'drop-malformed',
  ],
  ['says it is empty', { ipv4: { totalBytes: 0 } }, 'drop-malformed', 'drop-malformed'],
  ['has a TCP header of 16 bytes', { tcp: { headerWords: 4 } }, 'drop-malformed', 'drop-malformed'],
  ['has a TCP header of 0 bytes', { tcp: { headerWords: 0 } }, 'drop-malformed', 'drop-malformed'],
  [
    'has a TCP header that ends behind the packet',
    { tcp: { headerWords: 15 } },
    'drop-malformed',
    'drop-malformed',
  ],
  ['has a wrong IPv4 checksum', { badChecksum: 'ipv4' }, 'drop-bad-checksum', 'drop-bad-checksum'],
  ['has two wrong checksums', { badChecksum: 'both' }, 'drop-bad-checksum', 'drop-bad-checksum'],
  [
    'has an IPv4 checksum of zero',
    { ipv4: { checksum: 0 } },
    'drop-bad-checksum',
    'drop-bad-checksum',
  ],
  [
    'has IP options',
    { ipOptions: Uint8Array.of(1, 1, 1, 0) },
    'drop-ip-options',
    'drop-ip-options',
  ],
  [
    'has 40 bytes of IP options',
    { ipOptions: new Uint8Array(40).fill(1) },
    'drop-ip-options',
    'drop-ip-options',
  ],
  [
    'is a first fragment',
    { fragment: { offsetBytes: 0, more: true } },
    'drop-fragment',
    'drop-fragment',
  ],
  [
    'is a middle fragment',
    { fragment: { offsetBytes: 1480, more: true } },
    'pass',
    'drop-later-fragment',
  ],
  [
    'is a last fragment',
    { fragment: { offsetBytes: 1480, more: false } },
    'pass',
    'drop-later-fragment',
  ],
  ['has an IPv4 header of 16 bytes', { ipv4: { headerWords: 4 } }, 'pass', 'drop-malformed'],
  ['is not version 4', { ipv4: { version: 5 } }, 'pass', 'pass'],
];

/** To the listener from a client, to the local from a backend, to nobody we know. */
const oddRows = ODDITIES.flatMap(([name, odd, listener, local]): Row<BalancerTables>[] => [
  {
    name: `what ${name}: to a listener`,
    steps: [fromFront(fromClient({ ...SYN, ...odd }), expected(listener))],
    after: { sessions: [] },
  },
  {
    name: `what ${name}: to a local, of a session`,
    steps: [...ESTABLISHED, fromBack(fromBackend({ flags: 'A', ...odd }), expected(local))],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: `what ${name}: from a client, of a session`,
    steps: [...ESTABLISHED, fromFront(fromClient({ flags: 'A', ...odd }), expected(listener))],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: `what ${name}: to others passes`,
    steps: [fromFront(fromClient({ ...SYN, to: '10.0.98.79:8056', ...odd }), passed)],
    after: { sessions: [] },
  },
]);

/** Without both ports it cannot be known whose a frame is. */
const PORTS_END = 38;
/** A test-run takes no IPv4 frame that is shorter than Ethernet's and IPv4's headers (tried on 6.18). */
const SHORTEST_BYTES = 34;
const COMPLETE_BYTES = 54;

const cutRows = Array.from({ length: COMPLETE_BYTES - SHORTEST_BYTES }, (_, i) => {
  const cutTo = SHORTEST_BYTES + i;
  return {
    name: `a frame that ends after ${cutTo} bytes`,
    steps: [
      fromFront(
        fromClient({ flags: 'S', cutTo }),
        expected(cutTo < PORTS_END ? 'pass' : 'drop-malformed'),
      ),
      fromBack(fromBackend({ flags: 'A', cutTo }), dropped('drop-malformed')),
    ],
    after: { sessions: [] },
  } satisfies Row<BalancerTables>;
});

export const oddBalancerRows: readonly Row<BalancerTables>[] = [
  ...oddRows,
  ...cutRows,
  {
    name: 'options that the frame does not hold any more',
    steps: [fromFront(fromClient({ ...SYN, cutTo: 73 }), dropped('drop-malformed'))],
  },
  ...(['front', 'back'] as const).map((side): Row<BalancerTables> => ({
    name: `UDP and ICMP to a local are dropped, from the ${side}`,
    steps: [
      from(
        side,
        udp({
          ethernet: linkFrom(side),
          from: CLIENT,
          to: `${LOCAL_ADDRESS}:5004`,
          payload: bytes(9),
        }),
        dropped('drop-local-not-tcp'),
      ),
      from(
        side,
        icmpEcho({ ethernet: linkFrom(side), from: '10.0.88.100', to: LOCAL_ADDRESS }),
        dropped('drop-local-not-tcp'),
      ),
    ],
  })),
  {
    name: 'UDP and ICMP to a listener’s address pass',
    steps: [
      fromFront(
        udp({ ethernet: linkFrom('front'), from: CLIENT, to: WEB, payload: bytes(9) }),
        passed,
      ),
      fromFront(
        icmpEcho({ ethernet: linkFrom('front'), from: '10.0.88.100', to: '10.0.23.111' }),
        passed,
      ),
    ],
  },
  {
    name: 'bytes behind the packet stay where nothing is inserted',
    steps: [
      ...ESTABLISHED,
      up({ ...ACK, trailer: bytes(6) }),
      down({ ...SERVER_ACK, trailer: bytes(6) }),
    ],
  },
  {
    name: 'Ethernet’s padding does not get into a packet that grows',
    steps: [
      fromFront(
        fromClient({ flags: 'S', sequence: 7, trailer: bytes(6) }),
        sent('to-backend', toBackend({ flags: 'S', sequence: 7, options: [toa(CLIENT)] })),
      ),
    ],
  },
  {
    name: 'a backend’s packet to a local that no session has is dropped, not answered',
    steps: ['S', 'SA', 'A', 'FA', 'R'].map((flags) =>
      fromBack(fromBackend({ flags, from: BACKEND }), dropped('drop-no-session')),
    ),
  },
];

function expected(verdict: Verdict): Expectation {
  return verdict === 'pass' ? passed : dropped(verdict);
}

function from(side: Side, frame: Uint8Array, expect: Expectation): Step<BalancerTables> {
  return { kind: 'frame', frame, from: side, expect };
}
