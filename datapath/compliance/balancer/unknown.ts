/** What belongs to no session and opens none: answered with RST, so that a client fails fast. */
import type { BalancerTables } from '../../model/index.ts';
import { answerToClient, fromClient } from '../network.ts';
import { dropped, fromFront, sent, type Row } from '../row.ts';
import { webWith } from '../tables.ts';
import { bytes, type Segment } from './conversation.ts';

/** RFC 9293 section 3.10.7.1: the RST takes its sequence number from the ACK, or acknowledges everything. */
const ANSWERS: readonly [name: string, segment: Segment, answer: Segment][] = [
  ['an ACK', { flags: 'A', sequence: 7, acknowledgment: 99 }, { flags: 'R', sequence: 99 }],
  ...[1, 2, 3, 1459, 1460].map((count): [string, Segment, Segment] => [
    `${count} bytes of data`,
    { flags: 'PA', sequence: 7, acknowledgment: 99, payload: bytes(count) },
    { flags: 'R', sequence: 99 },
  ]),
  ['a FIN+ACK', { flags: 'FA', sequence: 7, acknowledgment: 99 }, { flags: 'R', sequence: 99 }],
  ['a SYN+ACK', { flags: 'SA', sequence: 7, acknowledgment: 99 }, { flags: 'R', sequence: 99 }],
  [
    'a keep-alive with one byte',
    { flags: 'A', sequence: 6, acknowledgment: 99, payload: bytes(1) },
    { flags: 'R', sequence: 99 },
  ],
  [
    'a zero window',
    { flags: 'A', sequence: 7, acknowledgment: 99, window: 0 },
    { flags: 'R', sequence: 99 },
  ],
  [
    'an ACK of the highest number',
    { flags: 'A', sequence: 7, acknowledgment: 0xffff_ffff },
    { flags: 'R', sequence: 0xffff_ffff },
  ],
  ['no flag at all', { flags: '', sequence: 7 }, { flags: 'RA', acknowledgment: 7 }],
  ['a FIN', { flags: 'F', sequence: 7 }, { flags: 'RA', acknowledgment: 8 }],
  [
    'a FIN that carries 3 bytes',
    { flags: 'F', sequence: 7, payload: bytes(3) },
    { flags: 'RA', acknowledgment: 11 },
  ],
  ['a SYN+FIN', { flags: 'SF', sequence: 7 }, { flags: 'RA', acknowledgment: 9 }],
  ['a Christmas tree', { flags: 'FPU', sequence: 7 }, { flags: 'RA', acknowledgment: 8 }],
  [
    'data without ACK that ends beyond the highest number',
    { flags: 'P', sequence: 0xffff_ffff, payload: bytes(2) },
    { flags: 'RA', acknowledgment: 1 },
  ],
  [
    'an ACK with Ethernet padding',
    { flags: 'A', sequence: 7, acknowledgment: 99, trailer: new Uint8Array(6).fill(0xee) },
    { flags: 'R', sequence: 99 },
  ],
  [
    'an ACK with traffic class, identification and a TTL of 1',
    { flags: 'A', acknowledgment: 99, trafficClass: 0xb8, identification: 7, ttl: 1 },
    { flags: 'R', sequence: 99 },
  ],
  [
    'an ACK with a wrong TCP checksum',
    { flags: 'A', acknowledgment: 99, badChecksum: 'transport' },
    { flags: 'R', sequence: 99 },
  ],
];

export const unknownRows: readonly Row<BalancerTables>[] = [
  ...ANSWERS.map(([name, segment, answer]): Row<BalancerTables> => ({
    name: `${name} without a session is answered with RST`,
    steps: [fromFront(fromClient(segment), sent('reset-unknown', answerToClient(answer)))],
    after: { sessions: [] },
  })),
  ...['R', 'RA', 'RSA', 'RF', 'RS'].map((flags): Row<BalancerTables> => ({
    name: `a RST (${flags}) without a session is not answered`,
    steps: [fromFront(fromClient({ flags, acknowledgment: 9 }), dropped('drop-unknown'))],
    after: { sessions: [] },
  })),
  ...['A', 'FA', 'SA', 'F', 'R', ''].map((flags): Row<BalancerTables> => ({
    name: `a listener that says onUnknown: drop does not answer ${flags || 'no flags'}`,
    given: webWith({ onUnknown: 'drop' }),
    steps: [fromFront(fromClient({ flags, acknowledgment: 9 }), dropped('drop-unknown'))],
    after: { sessions: [] },
  })),
];
