/** On which segments TOA goes, where it finds room, and what happens to a client's own. */
import {
  encodeTcpOptions,
  fastOpen,
  mss,
  nop,
  rawOption,
  sack,
  sackPermitted,
  timestamps,
  toa,
  unknownOption,
  windowScale,
  type TcpOption,
} from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import { BACK_MTU_BYTES, CLIENT, fromClient, toBackend } from '../network.ts';
import { fromFront, sent, type Row } from '../row.ts';
import { webWith } from '../tables.ts';
import {
  ACK,
  ANSWERED,
  bytes,
  CLIENT_DATA,
  CLIENT_FIN,
  CLIENT_RST,
  down,
  ESTABLISHED,
  OPENED,
  SERVER_DATA,
  SERVER_ISN,
  SYN,
  SYN_OPTIONS,
  up,
  upWithToa,
} from './conversation.ts';
import { counted } from './opening.ts';

const handshake = webWith({ toa: 'handshake' });
const off = webWith({ toa: 'off' });
const nops = (count: number): TcpOption[] => Array.from({ length: count }, () => nop);
const HEADERS_BYTES = 40;
const TOA_BYTES = 8;

const modeRows: readonly Row<BalancerTables>[] = [
  {
    name: 'toa: syn leaves the ACK and the first data alone',
    steps: [...ANSWERED, up(ACK), up(CLIENT_DATA)],
  },
  {
    name: 'toa: off inserts none',
    given: off,
    steps: [up(SYN), down({ ...SERVER_DATA, flags: 'SA', sequence: SERVER_ISN }), up(ACK)],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'toa: handshake inserts it on the SYN, the ACK and the first data',
    given: handshake,
    steps: [...ANSWERED, upWithToa(ACK), upWithToa(CLIENT_DATA), upWithToa(CLIENT_DATA)],
  },
  {
    name: 'toa: handshake inserts it on every segment of a long first request',
    given: handshake,
    steps: [
      ...ANSWERED,
      upWithToa(ACK),
      upWithToa({ ...ACK, payload: bytes(1000) }),
      upWithToa({ ...ACK, sequence: 2001, payload: bytes(999) }),
    ],
  },
  {
    name: 'toa: handshake inserts none once the client acknowledges data',
    given: handshake,
    steps: [
      ...ANSWERED,
      upWithToa(ACK),
      down(SERVER_DATA),
      up({ ...ACK, acknowledgment: SERVER_ISN + 7 }),
      up({ ...CLIENT_DATA, acknowledgment: SERVER_ISN + 7 }),
    ],
  },
  {
    name: 'toa: handshake inserts none on FIN and RST',
    given: handshake,
    steps: [
      ...ANSWERED,
      upWithToa(ACK),
      up(CLIENT_FIN),
      up({ ...CLIENT_RST, acknowledgment: SERVER_ISN + 1, flags: 'RA' }),
    ],
  },
  {
    name: 'toa: handshake inserts none before the SYN+ACK',
    given: handshake,
    steps: [...OPENED, up({ ...ACK, acknowledgment: 1 })],
  },
  {
    name: 'toa: handshake finds room up to the MTU, and counts what had none',
    given: handshake,
    steps: [
      ...ANSWERED,
      upWithToa(ACK),
      upWithToa({ ...CLIENT_DATA, payload: bytes(BACK_MTU_BYTES - HEADERS_BYTES - TOA_BYTES) }),
      up({ ...CLIENT_DATA, payload: bytes(BACK_MTU_BYTES - HEADERS_BYTES - TOA_BYTES + 1) }),
    ],
    after: {
      listeners: counted({
        packetsIn: 4,
        bytesIn: 60 + 40 + 1492 + 1493,
        packetsOut: 1,
        bytesOut: 60,
        toaInserted: 3,
        toaNotInserted: 1,
      }),
    },
  },
  ...[0, 4, 8].map((optionBytes): Row<BalancerTables> => ({
    name: `toa: the bare ACK of a full segment with ${optionBytes} bytes of options has a right checksum`,
    given: handshake,
    steps: [
      ...ANSWERED,
      fromFront(
        fromClient({
          ...CLIENT_DATA,
          options: filler(optionBytes),
          payload: bytes(BACK_MTU_BYTES - HEADERS_BYTES - optionBytes),
        }),
        sent('to-backend', toBackend({ ...ACK, options: [toa(CLIENT)] })),
      ),
    ],
  })),
  {
    name: 'toa: handshake goes ahead in a bare ACK where a timestamp and three SACK blocks leave no room',
    given: handshake,
    steps: [
      ...ANSWERED,
      fromFront(
        fromClient({
          ...CLIENT_DATA,
          options: [nop, nop, timestamps(1, 2), nop, nop, sack([1, 2], [3, 4], [5, 6])],
        }),
        sent(
          'to-backend',
          toBackend({ ...ACK, options: [toa(CLIENT), nop, nop, timestamps(1, 2)] }),
        ),
      ),
      up({ ...ACK, options: [nop, nop, timestamps(1, 2), nop, nop, sack([1, 2], [3, 4], [5, 6])] }),
      upWithToa({ ...ACK, options: [nop, nop, timestamps(1, 2), nop, nop, sack([1, 2], [3, 4])] }),
    ],
  },
];

const lengthRows = Array.from({ length: 11 }, (_, words) => words * 4).map(
  (optionBytes): Row<BalancerTables> => ({
    name: `${optionBytes} bytes of options ${optionBytes > 32 ? 'leave no room' : 'stay behind TOA'}`,
    steps: [
      (optionBytes > 32 ? up : upWithToa)({
        ...SYN,
        options: filler(optionBytes),
        payload: bytes(5),
      }),
    ],
    after: {
      sessions: [{ state: 'opening' }],
      listeners: counted({
        packetsIn: 1,
        bytesIn: 45 + optionBytes,
        toaInserted: optionBytes > 32 ? 0 : 1,
        toaNotInserted: optionBytes > 32 ? 1 : 0,
      }),
    },
  }),
);

const orderRow: Row<BalancerTables> = {
  name: 'options stay in whatever order they have',
  steps: permutations([mss(1460), sackPermitted, timestamps(9, 0), windowScale(7)]).map((options) =>
    upWithToa({ ...SYN, options }),
  ),
};

const FORGED = toa('1.2.3.4:5');
const forgedV6 = (number: number) => unknownOption(number, bytes(18));

/** A sentence, a client's options, and what is left of them. */
const FORGERIES: readonly [name: string, given: TcpOption[], left: TcpOption[]][] = [
  ['alone', [FORGED], nops(8)],
  ['of kind 253', [toa('1.2.3.4:5', 253)], nops(8)],
  ['for IPv6, kind 254', [forgedV6(254)], nops(20)],
  ['for IPv6, kind 253', [forgedV6(253)], nops(20)],
  ['in front of others', [FORGED, mss(1460)], [...nops(8), mss(1460)]],
  ['behind others', [mss(1460), FORGED], [mss(1460), ...nops(8)]],
  ['at an odd place', [nop, FORGED, mss(1460)], [...nops(9), mss(1460)]],
  ['at an odd place behind a window scale', [windowScale(7), FORGED], [windowScale(7), ...nops(8)]],
  ['for IPv6 at an odd place', [windowScale(7), forgedV6(254)], [windowScale(7), ...nops(20)]],
  ['behind seven NOPs', [...nops(7), FORGED], nops(15)],
  ['twice', [FORGED, toa('5.6.7.8:9')], nops(16)],
  ['twice, once at an odd place', [FORGED, nop, toa('5.6.7.8:9')], nops(17)],
  ['of both sizes', [FORGED, forgedV6(253), mss(1)], [...nops(28), mss(1)]],
  ['that names the client itself', [toa(CLIENT)], nops(8)],
];

/** A sentence, and options in which there is no TOA. */
const INNOCENT: readonly [name: string, options: TcpOption[]][] = [
  [
    'what looks like TOA behind the end of options',
    [mss(1460), { kind: 'end', rest: Uint8Array.of(254, 8, 0, 5, 1, 2, 3, 4, 0, 0, 0) }],
  ],
  ['what looks like TOA inside another option', [unknownOption(99, encodeTcpOptions([FORGED]))]],
  ['a TOA that the header cuts off', [mss(1460), rawOption(Uint8Array.of(254, 8, 1, 2))]],
  ['a kind 254 without a length', [windowScale(7), rawOption(Uint8Array.of(254))]],
  ['a kind 254 of length 0', [rawOption(Uint8Array.of(254, 0, 1, 2))]],
  ['a kind 254 of length 1', [rawOption(Uint8Array.of(254, 1, 1, 2))]],
  ['what follows an option of length 0', [rawOption(Uint8Array.of(99, 0, 1, 1)), FORGED]],
  [
    'an experiment of kind 254 with another length (RFC 6994)',
    [unknownOption(254, Uint8Array.of(0xf9, 0x89))],
  ],
  ['an experiment of kind 253 with another length (RFC 6994)', [unknownOption(253, bytes(10))]],
  ['other providers’ kind 252', [toa('1.2.3.4:5', 252)]],
  ['a fast open cookie', [fastOpen(bytes(8)), mss(1460)]],
];

const forgedRows = FORGERIES.flatMap(([name, given, left]): Row<BalancerTables>[] => [
  {
    name: `a client’s TOA ${name} is blanked on a SYN`,
    steps: [forgedStep(given, [toa(CLIENT), ...left])],
  },
  {
    name: `a client’s TOA ${name} is blanked where we insert none`,
    given: off,
    steps: [forgedStep(given, left)],
  },
  {
    name: `a client’s TOA ${name} is blanked on the ACK that completes the handshake`,
    steps: [
      ...ANSWERED,
      fromFront(
        fromClient({ ...ACK, options: given, payload: 'abc' }),
        sent(
          'to-backend',
          toBackend({ ...ACK, options: left, payload: 'abc' }),
          'toa-forged-client',
        ),
      ),
    ],
  },
]);

export const toaRows: readonly Row<BalancerTables>[] = [
  ...modeRows,
  ...lengthRows,
  orderRow,
  ...forgedRows,
  ...INNOCENT.map(([name, options]): Row<BalancerTables> => ({
    name: `${name} stays as it is`,
    steps: [upWithToa({ ...SYN, options })],
  })),
  {
    name: 'a forged TOA among 40 bytes of options is blanked, and there is no room for ours',
    steps: [forgedStep([...SYN_OPTIONS, FORGED, ...nops(12)], [...SYN_OPTIONS, ...nops(20)])],
  },
  {
    name: 'a forged TOA on a SYN that carries data is blanked, data intact',
    steps: [
      fromFront(
        fromClient({ ...SYN, options: [nop, FORGED], payload: bytes(777) }),
        sent(
          'to-backend',
          toBackend({ ...SYN, options: [toa(CLIENT), ...nops(9)], payload: bytes(777) }),
          'toa-forged-client',
        ),
      ),
    ],
  },
  {
    name: 'options of later data are not looked at',
    steps: [
      ...ESTABLISHED,
      up({ ...CLIENT_DATA, acknowledgment: SERVER_ISN + 7, options: [FORGED] }),
    ],
  },
];

function forgedStep(given: readonly TcpOption[], left: readonly TcpOption[]) {
  return fromFront<BalancerTables>(
    fromClient({ ...SYN, options: given }),
    sent('to-backend', toBackend({ ...SYN, options: left }), 'toa-forged-client'),
  );
}

/** So many bytes of options that mean nothing to anyone. */
function filler(optionBytes: number): TcpOption[] {
  return optionBytes === 0 ? [] : [unknownOption(99, bytes(optionBytes - 2))];
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((one, i) =>
    permutations(all.toSpliced(i, 1)).map((others) => [one, ...others]),
  );
}
