/** ICMP errors that quote nothing of ours, or nothing that can be read. */
import { udp } from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import {
  CLIENT,
  fromClient,
  LOCAL_ADDRESS,
  OTHER_CLIENT,
  toBackend,
  toClient,
  WEB,
} from '../network.ts';
import { dropped, passed, type Row } from '../row.ts';
import { bytes, CLIENT_DATA, SERVER_DATA } from './conversation.ts';
import { VIRTUAL_ADDRESS, TOO_BIG, arrives, EXCHANGED, established } from './error-conversation.ts';

/** Whom they quote decides whose they are. */
export const foreignErrorRows: readonly Row<BalancerTables>[] = [
  {
    name: 'an error to a local that quotes no session’s packet is dropped (RFC 5508 REQ-4)',
    steps: [
      ...EXCHANGED,
      ...[
        toBackend({ ...CLIENT_DATA, from: `${LOCAL_ADDRESS}:5005` }),
        toBackend({ ...CLIENT_DATA, to: '10.0.98.80:8056' }),
        // the client's side, quoted as it came in
        fromClient(CLIENT_DATA),
      ].map((about) => arrives('back', TOO_BIG, about, dropped('drop-no-session'))),
    ],
    after: established,
  },
  {
    name: 'an error to a local that is about somebody else’s packet is dropped',
    steps: [
      ...EXCHANGED,
      arrives('back', TOO_BIG, toClient(SERVER_DATA), dropped('drop-no-session')),
    ],
  },
  {
    name: 'an error to a listener’s address that quotes nothing of ours passes untouched',
    steps: [
      ...EXCHANGED,
      ...[
        toClient({ ...SERVER_DATA, to: OTHER_CLIENT }),
        toClient({ ...SERVER_DATA, from: `${VIRTUAL_ADDRESS}:22` }),
        toBackend(CLIENT_DATA),
        udp({ from: WEB, to: CLIENT, payload: bytes(20) }),
      ].map((about) => arrives('front', TOO_BIG, about, passed)),
    ],
  },
  {
    name: 'an error to nobody we know passes untouched, whatever it quotes',
    steps: [
      ...EXCHANGED,
      arrives('front', TOO_BIG, toClient(SERVER_DATA), passed, { to: '10.9.9.9' }),
      arrives('back', TOO_BIG, toBackend(CLIENT_DATA), passed, { to: '10.9.9.9' }),
    ],
  },
  ...[0, 4, 7].map((quotedBytes): Row<BalancerTables> => ({
    name: `${quotedBytes} bytes of TCP are too few to know whose it is`,
    steps: [
      ...EXCHANGED,
      arrives('back', TOO_BIG, toBackend(CLIENT_DATA), dropped('drop-local-not-tcp'), {
        quotedBytes,
      }),
      arrives('front', TOO_BIG, toClient(SERVER_DATA), passed, { quotedBytes }),
    ],
  })),
  ...(
    [
      ['is itself a fragment', { fragment: { offsetBytes: 0, more: true } }],
      ['has IP options of its own', { ipOptions: Uint8Array.of(1, 1, 1, 0) }],
      ['says it is longer than its frame', { ipv4: { totalBytes: 1000 } }],
    ] as const
  ).map(([name, odd]): Row<BalancerTables> => ({
    name: `an error that ${name} is not looked into`,
    steps: [
      ...EXCHANGED,
      arrives('back', TOO_BIG, toBackend(CLIENT_DATA), dropped('drop-local-not-tcp'), odd),
      arrives('front', TOO_BIG, toClient(SERVER_DATA), passed, odd),
    ],
  })),
  {
    name: 'a quoted later fragment has no ports',
    steps: [
      ...EXCHANGED,
      arrives(
        'back',
        TOO_BIG,
        toBackend({ ...CLIENT_DATA, fragment: { offsetBytes: 1480, more: false } }),
        dropped('drop-local-not-tcp'),
      ),
    ],
  },
];
