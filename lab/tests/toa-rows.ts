/** SYNs with options of every kind and order, and what becomes of them on their way. */

import {
  mss,
  nop,
  sackPermitted,
  timestamps,
  toa,
  unknownOption,
  windowScale,
  type TcpOption,
} from '../../packet/tcp-options.ts';

export const forged = toa('203.0.113.7:7777');
export const nops = (count: number) => Array.from({ length: count }, () => nop);
export const blanked = nops(8);
/** As Linux sends them, 20 bytes. */
export const usual = [mss(1460), sackPermitted, timestamps(7_000_001), nop, windowScale(7)];

/** `wire` is what host-nic must show behind the true TOA, `sent` unless it is said. */
export type SynRow = {
  name: string;
  sent: readonly TcpOption[];
  wire?: readonly TcpOption[];
  noRoom?: true;
  forgeries?: number;
};

export const SYN_ROWS: readonly SynRow[] = [
  { name: 'no options', sent: [] },
  { name: 'MSS alone', sent: [mss(1460)] },
  { name: 'what Linux sends', sent: usual },
  { name: 'window scale first', sent: [windowScale(7), nop, mss(1460)] },
  {
    name: 'timestamps first, MSS last',
    sent: [
      nop,
      nop,
      timestamps(7_000_002),
      sackPermitted,
      windowScale(2),
      nop,
      ...nops(2),
      mss(1400),
    ],
  },
  { name: 'an unknown option first', sent: [unknownOption(250, Uint8Array.of(1, 2)), mss(1460)] },
  { name: 'the end of the list', sent: [mss(1460), { kind: 'end', rest: new Uint8Array(3) }] },
  { name: '32 bytes: just room', sent: [...usual, ...nops(12)] },
  { name: '36 bytes: no room', sent: [...usual, ...nops(16)], noRoom: true },
  { name: '40 bytes: the option space is full', sent: [...usual, ...nops(20)], noRoom: true },
  {
    name: 'a forged TOA first',
    sent: [forged, mss(1460)],
    wire: [...blanked, mss(1460)],
    forgeries: 1,
  },
  {
    name: 'a forged TOA last',
    sent: [...usual, forged],
    wire: [...usual, ...blanked],
    forgeries: 1,
  },
  {
    name: 'a forged TOA at an odd place',
    sent: [windowScale(7), forged, nop],
    wire: [windowScale(7), ...blanked, nop],
    forgeries: 1,
  },
  {
    name: 'two forged TOAs',
    sent: [forged, mss(1460), forged],
    wire: [...blanked, mss(1460), ...blanked],
    forgeries: 1,
  },
  {
    name: 'a forged TOA in a full option space',
    sent: [...usual, forged, ...nops(12)],
    wire: [...usual, ...blanked, ...nops(12)],
    noRoom: true,
    forgeries: 1,
  },
];
