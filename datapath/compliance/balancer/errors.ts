/** ICMP errors about packets that the balancer translated: to whom they go, and what they quote then. */
import {
  endpoint,
  ICMP_PARAMETER_PROBLEM,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  icmpError,
  toa,
  updateChecksum,
  updateChecksum32,
} from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import {
  BACKEND,
  CLIENT,
  fromClient,
  linkFrom,
  linkTo,
  LOCAL,
  toBackend,
  WEB,
} from '../network.ts';
import { dropped, elapse, fromBack, passed, sent, type Row } from '../row.ts';
import { webWith } from '../tables.ts';
import {
  ACK,
  ANSWERED,
  bytes,
  CLIENT_DATA,
  CLOSED,
  ESTABLISHED,
  OPENED,
  SERVER_DATA,
  SERVER_ISN,
  SYN,
  SYN_OPTIONS,
} from './conversation.ts';
import {
  type Kind,
  CLIENT_ADDRESS,
  VIRTUAL_ADDRESS,
  BACKEND_ADDRESS,
  QUOTED_WHOLE,
  TOO_BIG,
  HOST_UNREACHABLE,
  aboutUp,
  aboutDown,
  quotedUp,
  quotedDown,
  errorStep,
  fromThere,
  arrives,
  EXCHANGED,
  SYN_WITH_TOA,
  established,
} from './error-conversation.ts';

/** What RFC 5382 REQ-10 and RFC 5508 REQ-4 to 6 are about; others are for neighbours. */
const KINDS: readonly [name: string, kind: Kind][] = [
  ['net unreachable', { type: ICMP_UNREACHABLE, code: 0 }],
  ['host unreachable', HOST_UNREACHABLE],
  ['port unreachable', { type: ICMP_UNREACHABLE, code: 3 }],
  ['fragmentation needed', TOO_BIG],
  ['fragmentation needed, without an MTU', { ...TOO_BIG, parameter: 0 }],
  ['prohibited', { type: ICMP_UNREACHABLE, code: 13 }],
  ['time exceeded in transit', { type: ICMP_TIME_EXCEEDED, code: 0 }],
  ['reassembly time exceeded', { type: ICMP_TIME_EXCEEDED, code: 1 }],
  ['parameter problem', { type: ICMP_PARAMETER_PROBLEM, code: 0, parameter: 0x1400_0000 }],
];
const NOT_FOR_ENDS: readonly [name: string, kind: Kind][] = [
  ['source quench', { type: ICMP_SOURCE_QUENCH, code: 0 }],
  ['redirect', { type: ICMP_REDIRECT, code: 1, parameter: 0x0a00_6201 }],
];

/** A TCP checksum that was wrong before the translation is as wrong without it. */
function undone(checksum: number): number {
  const [local, backend] = [endpoint(LOCAL), endpoint(BACKEND)];
  const [client, web] = [endpoint(CLIENT), endpoint(WEB)];
  let sum = updateChecksum32(checksum, local.address, client.address);
  sum = updateChecksum32(sum, backend.address, web.address);
  sum = updateChecksum(sum, local.port, client.port);
  return updateChecksum(sum, backend.port, web.port);
}

/** The backend's own host is the client: both legs are on its side of the balancer. */
const HAIRPIN = `${BACKEND_ADDRESS}:21521`;
const HAIRPIN_SYN = { ...SYN, options: [toa(HAIRPIN), ...SYN_OPTIONS] };
export const errorRows: readonly Row<BalancerTables>[] = [
  ...KINDS.map(([name, kind]): Row<BalancerTables> => ({
    name: `${name}: translated, both ways, and the session lives`,
    steps: [...EXCHANGED, aboutUp(kind, CLIENT_DATA), aboutDown(kind, SERVER_DATA)],
    after: established,
  })),
  ...NOT_FOR_ENDS.map(([name, kind]): Row<BalancerTables> => ({
    name: `${name}: not passed on to an end`,
    steps: [
      ...EXCHANGED,
      arrives('back', kind, quotedUp(CLIENT_DATA).received, dropped('drop-local-not-tcp')),
      arrives('front', kind, quotedDown(SERVER_DATA).received, passed),
    ],
    after: established,
  })),
  ...[8, 12, 16, 18, 20, 24, QUOTED_WHOLE].map((quotedBytes): Row<BalancerTables> => ({
    name: `${quotedBytes} bytes of TCP are quoted`,
    steps: [
      ...EXCHANGED,
      aboutUp(TOO_BIG, CLIENT_DATA, { quotedBytes }),
      aboutDown(TOO_BIG, SERVER_DATA, { quotedBytes }),
    ],
  })),
  ...[1, 5, 10].map((words): Row<BalancerTables> => {
    const ipOptions = new Uint8Array(words * 4).fill(1);
    return {
      name: `the quoted header has ${words * 4} bytes of options, which a router added`,
      steps: [
        ...EXCHANGED,
        aboutUp(TOO_BIG, { ...CLIENT_DATA, ipOptions }),
        aboutDown(TOO_BIG, { ...SERVER_DATA, ipOptions }, { quotedBytes: QUOTED_WHOLE }),
      ],
    };
  }),
  {
    name: 'extensions behind the quotation are passed on as they are (RFC 4884)',
    steps: [
      ...EXCHANGED,
      aboutUp(
        { ...TOO_BIG, parameter: 0x0020_0578 }, // 32 words are quoted
        { ...CLIENT_DATA, payload: bytes(88) },
        { quotedBytes: 108, behindQuote: Uint8Array.of(0x20, 0, 0xdf, 0xff, ...bytes(12)) },
      ),
    ],
  },
  {
    name: 'a quoted TCP checksum that is wrong stays wrong, and is no reason to drop (RFC 5508 REQ-3c)',
    steps: [
      ...EXCHANGED,
      ...[0x1234, 0xabcd].map((checksum) =>
        errorStep(
          'back',
          TOO_BIG,
          {
            received: toBackend({ ...CLIENT_DATA, ttl: 63, tcp: { checksum } }),
            original: fromClient({ ...CLIENT_DATA, ttl: 63, tcp: { checksum: undone(checksum) } }),
          },
          { quotedBytes: QUOTED_WHOLE },
        ),
      ),
    ],
    after: established,
  },
  {
    name: 'a first fragment is quoted',
    steps: [
      ...EXCHANGED,
      aboutUp(
        { type: ICMP_TIME_EXCEEDED, code: 1 },
        {
          ...CLIENT_DATA,
          fragment: { offsetBytes: 0, more: true },
        },
      ),
    ],
  },
  {
    name: 'the error about a SYN quotes the TOA that it had: the client’s own address',
    steps: [...OPENED, aboutUp(HOST_UNREACHABLE, SYN_WITH_TOA, { quotedBytes: QUOTED_WHOLE })],
    after: { sessions: [{ state: 'opening' }] },
  },
  {
    name: 'the error about a SYN+ACK reaches the server',
    steps: [...ANSWERED, aboutDown(HOST_UNREACHABLE, { flags: 'SA', sequence: SERVER_ISN })],
  },
  {
    name: 'a router behind may answer for the backend itself, and a host for itself',
    steps: [
      ...EXCHANGED,
      fromThere('back', BACKEND_ADDRESS, quotedUp(CLIENT_DATA)),
      fromThere('front', CLIENT_ADDRESS, quotedDown(SERVER_DATA)),
    ],
  },
  {
    name: 'the MTU leaves room for TOA where segments after the SYN may get one',
    given: webWith({ toa: 'handshake' }),
    steps: [
      ...OPENED,
      aboutUp(TOO_BIG, SYN_WITH_TOA, { parameter: 1392 }),
      aboutUp({ ...TOO_BIG, parameter: 75 }, SYN_WITH_TOA),
      aboutUp({ ...TOO_BIG, parameter: 76 }, SYN_WITH_TOA, { parameter: 68 }),
      aboutUp({ ...TOO_BIG, parameter: 0 }, SYN_WITH_TOA),
      aboutUp(HOST_UNREACHABLE, SYN_WITH_TOA),
    ],
  },
  {
    name: 'errors about a closed session still reach its ends',
    steps: [...CLOSED, aboutUp(TOO_BIG, CLIENT_DATA), aboutDown(TOO_BIG, SERVER_DATA)],
    after: { sessions: [{ state: 'time-wait' }] },
  },
  {
    name: 'they do not refresh a session (RFC 5508 REQ-6)',
    steps: [...ESTABLISHED, elapse(880), aboutUp(TOO_BIG, ACK), aboutUp(HOST_UNREACHABLE, ACK)],
    after: established,
  },
  hairpin(),
];

function hairpin(): Row<BalancerTables> {
  return {
    name: 'the client being the server itself, it gets the errors about its packets (RFC 5508 REQ-7)',
    steps: [
      fromBack(
        fromClient({ ...SYN, ethernet: linkFrom('back'), from: HAIRPIN }),
        sent('to-backend', toBackend(HAIRPIN_SYN)),
      ),
      arrives(
        'back',
        HOST_UNREACHABLE,
        toBackend({ ...HAIRPIN_SYN, ttl: 63 }),
        sent(
          'error-to-client',
          icmpError({
            ...{ ...HOST_UNREACHABLE, ethernet: linkTo('back'), ttl: 63 },
            ...{ from: VIRTUAL_ADDRESS, to: BACKEND_ADDRESS },
            about: fromClient({ ...HAIRPIN_SYN, from: HAIRPIN, ttl: 63 }),
          }),
        ),
      ),
    ],
  };
}
