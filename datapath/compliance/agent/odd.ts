/** Frames that the agent cannot translate, and limits of its table. */
import type { PacketFields } from '../../../packet/index.ts';
import type { Verdict } from '../../binding/verdicts.ts';
import type { AgentTables } from '../../model/index.ts';
import { bytes, SYN } from '../balancer/conversation.ts';
import { CLIENT, direct, fromBalancer, fromServer, OTHER_CLIENT } from '../network.ts';
import { dropped, fromBack, fromFront, passed, rewritten, type Row } from '../row.ts';
import { RESTORED, restoredSyn, SYN_BLANKED, synFor } from './conversation.ts';

const ODDITIES: readonly [name: string, odd: PacketFields & { tcp?: object }, verdict: Verdict][] =
  [
    ['is longer than its frame', { ipv4: { totalBytes: 200 } }, 'drop-malformed'],
    ['is shorter than its headers', { ipv4: { totalBytes: 39 } }, 'drop-malformed'],
    ['has a TCP header of 16 bytes', { tcp: { headerWords: 4 } }, 'drop-malformed'],
    ['ends within its TCP header', { cutTo: 50 }, 'drop-malformed'],
    ['has a wrong IPv4 checksum', { badChecksum: 'ipv4' }, 'drop-bad-checksum'],
    ['has IP options', { ipOptions: Uint8Array.of(1, 1, 1, 0) }, 'drop-ip-options'],
    ['is a first fragment', { fragment: { offsetBytes: 0, more: true } }, 'drop-fragment'],
    ['is a later fragment', { fragment: { offsetBytes: 1480, more: false } }, 'pass'],
    ['is not version 4', { ipv4: { version: 6 } }, 'pass'],
  ];

export const oddAgentRows: readonly Row<AgentTables>[] = [
  ...ODDITIES.flatMap(([name, odd, verdict]): Row<AgentTables>[] => [
    {
      name: `what ${name}, from a local`,
      steps: [
        ...RESTORED,
        fromFront(
          fromBalancer({ flags: 'A', ...odd }),
          verdict === 'pass' ? passed : dropped(verdict),
        ),
      ],
      after: { sessions: [{ state: 'established' }] },
    },
    {
      name: `what ${name}, from others or from the server, passes`,
      steps: [
        fromFront(direct({ flags: 'S', ...odd }), passed),
        fromBack(fromServer({ flags: 'SA', ...odd }), passed),
        fromFront(fromBalancer({ flags: 'S', to: '10.0.98.79:9', ...odd }), passed),
      ],
      after: { sessions: [] },
    },
  ]),
  ...['SF', 'SR', 'SA'].map((flags): Row<AgentTables> => ({
    name: `${flags} to a server passes and opens nothing`,
    steps: [fromFront(direct({ flags }), passed), fromFront(fromBalancer({ flags }), passed)],
    after: { sessions: [] },
  })),
  {
    name: 'a full table of established sessions drops a SYN by name',
    given: { sessionCapacity: 1 },
    steps: [
      ...RESTORED,
      fromFront(
        fromBalancer({ ...synFor(OTHER_CLIENT), from: '10.0.124.161:5005' }),
        dropped('drop-table-full', 'toa-stripped'),
      ),
      fromFront(direct({ ...SYN, from: OTHER_CLIENT }), dropped('drop-table-full')),
    ],
  },
  {
    name: 'a half-open session gives way when the table is full',
    given: { sessionCapacity: 1 },
    steps: [
      restoredSyn(),
      fromFront(
        fromBalancer({ ...synFor(OTHER_CLIENT), from: '10.0.124.161:5005' }),
        rewritten(
          'to-backend',
          direct({
            ...SYN_BLANKED,
            from: OTHER_CLIENT,
            ethernet: { source: '02:00:00:00:98:01', destination: '02:00:00:00:98:4f' },
          }),
          'toa-stripped',
          'opening-evicted',
        ),
      ),
    ],
    after: { sessions: [{ back: `10.0.98.79:8056>${OTHER_CLIENT}` }], evicted: 1 },
  },
  {
    name: 'Ethernet’s padding stays where it is',
    steps: [
      fromFront(
        fromBalancer({ ...synFor(CLIENT), trailer: bytes(4) }),
        rewritten(
          'to-backend',
          fromBalancer({ ...SYN_BLANKED, from: CLIENT, trailer: bytes(4) }),
          'toa-stripped',
        ),
      ),
    ],
  },
];
