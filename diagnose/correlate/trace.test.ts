/** Situations that mislead: what the trace makes of each, in one line per conversation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tcp, type TcpPacketFields } from '../../packet/build.ts';
import { endpoint } from '../../packet/address.ts';
import { concat, fromHex, viewOf } from '../../packet/bytes.ts';
import { encodeIcmp } from '../../packet/icmp.ts';
import { LINK_RAW } from '../../packet/link.ts';
import { capturedFrame, writePcap } from '../../packet/pcap.ts';
import { mss, timestamps, toa, windowScale } from '../../packet/tcp-options.ts';
import { nanoseconds } from '../../packet/unit.ts';
import { findingsOf } from '../findings/index.ts';
import { proxiesOf } from '../findings/proxies.ts';
import { conversationJson } from '../report/trace-json.ts';
import { traceOf } from './testing.ts';

/** `quotedBy`: not the packet itself, but an ICMP error about it, from this address. */
type Packet = TcpPacketFields & { readonly at: number; readonly quotedBy?: string };

const CLIENT = '10.0.88.100:21521';
const VIRTUAL = '10.0.23.111:18056';
const LOCAL = '10.0.124.161:5004';
const SERVER = '10.0.98.79:8056';

const syn = (at: number, from: string, to: string, sequence: number, more = {}): Packet => ({
  ...{ at, from, to, flags: 'S', sequence, options: [mss(1460), windowScale(7)] },
  identification: (sequence % 60_000) + 1,
  ...more,
});
const answer = (
  at: number,
  from: string,
  to: string,
  acknowledgment: number,
  more = {},
): Packet => ({
  ...{ at, from: to, to: from, flags: 'SA', sequence: acknowledgment * 3, acknowledgment },
  options: [mss(1460)],
  ...more,
});
/** A connection that both points see and that is answered: the captures were running. */
const around = (first: number, last: number): Packet[] =>
  [first, last].flatMap((at, i) => {
    const from = `10.0.88.101:${40_000 + i}`;
    return [syn(at, from, SERVER, 900 + i), answer(at + 0.001, from, SERVER, 901 + i)];
  });

const ROWS: {
  name: string;
  a: Packet[];
  b: Packet[];
  is: string[];
}[] = [
  {
    name: 'a SYN with TOA and another sequence number is the same connection',
    a: [...around(0, 9), syn(1, CLIENT, VIRTUAL, 77)],
    b: [
      ...around(0, 9),
      syn(1.001, LOCAL, SERVER, 5555, { options: [toa(CLIENT), mss(1460), windowScale(7)] }),
    ],
    is: [`${CLIENT} unanswered after b`],
  },
  {
    name: 'retransmissions of 1, 1, 1, 1, 1, 2, 4 s are one attempt',
    a: [...around(0, 20), ...[1, 2, 3, 4, 5, 6, 8, 12].map((at) => syn(at, CLIENT, SERVER, 77))],
    b: around(0, 20),
    is: [`${CLIENT} lost a > b (8 SYNs)`],
  },
  {
    name: 'a packet captured twice is one SYN',
    a: [
      ...around(0, 9),
      syn(1, CLIENT, SERVER, 77),
      syn(1.000_01, CLIENT, SERVER, 77),
      syn(2, CLIENT, SERVER, 77),
    ],
    b: around(0, 9),
    is: [`${CLIENT} lost a > b (2 SYNs)`],
  },
  {
    name: 'a port used again is another attempt',
    a: [
      ...around(0, 9),
      syn(1, CLIENT, SERVER, 77),
      answer(1.002, CLIENT, SERVER, 78),
      syn(5, CLIENT, SERVER, 8_888),
    ],
    b: [...around(0, 9), syn(1.001, CLIENT, SERVER, 77), answer(1.001_5, CLIENT, SERVER, 78)],
    is: [`${CLIENT} established`, `${CLIENT} lost a > b`],
  },
  {
    name: 'the answer is lost on its way back',
    a: [...around(0, 9), syn(1, CLIENT, SERVER, 77)],
    b: [...around(0, 9), syn(1.001, CLIENT, SERVER, 77), answer(1.002, CLIENT, SERVER, 78)],
    is: [`${CLIENT} lost b > a return`],
  },
  {
    name: 'a capture that began later proves nothing',
    a: [...around(0, 9), syn(1, CLIENT, SERVER, 77)],
    b: around(5, 9).slice(2),
    is: ['10.0.88.101:40000 established', `${CLIENT} unanswered after a: capture-gap`],
  },
  {
    name: 'a VLAN tag on one side changes nothing',
    a: [...around(0, 9), syn(1, CLIENT, SERVER, 77), answer(1.01, CLIENT, SERVER, 78)],
    b: [...around(0, 9), syn(1.001, CLIENT, SERVER, 77), answer(1.002, CLIENT, SERVER, 78)].map(
      (packet) => ({ ...packet, ethernet: { tags: [{ etherType: 0x8100, control: 5 }] } }),
    ),
    is: [`${CLIENT} established`],
  },
  {
    name: 'a proxy’s own connection is not matched',
    a: [...around(0, 9), syn(1, CLIENT, VIRTUAL, 77), answer(1.001, CLIENT, VIRTUAL, 78)],
    b: [
      ...around(0, 9),
      syn(1.002, LOCAL, SERVER, 123_456, { options: [mss(1460), timestamps(5), windowScale(9)] }),
      answer(1.003, LOCAL, SERVER, 123_457),
    ],
    is: [`${CLIENT} established, seen at a`, `${LOCAL} established, seen at b`],
  },
  {
    name: 'an acknowledgment instead of a SYN+ACK is told',
    a: [
      ...around(0, 9),
      syn(1, CLIENT, SERVER, 77),
      { at: 1.001, from: SERVER, to: CLIENT, flags: 'A', sequence: 5, acknowledgment: 6 },
    ],
    b: [
      ...around(0, 9),
      syn(1.000_2, CLIENT, SERVER, 77),
      { at: 1.000_8, from: SERVER, to: CLIENT, flags: 'A', sequence: 5, acknowledgment: 6 },
    ],
    is: [`${CLIENT} unanswered after b: challenge-ack`],
  },
  {
    name: 'a balancer with one interface shows both sides of a connection',
    a: [
      ...around(0, 9),
      syn(1, CLIENT, VIRTUAL, 77),
      syn(1.000_1, LOCAL, SERVER, 77, {
        ttl: 63,
        options: [toa(CLIENT), mss(1460), windowScale(7)],
      }),
      syn(3, '10.0.88.100:30000', VIRTUAL, 5),
      syn(3, '10.0.88.100:30000', SERVER, 5),
    ],
    b: [...around(0, 9), syn(3.001, '10.0.88.100:30000', SERVER, 5)],
    is: [
      `${CLIENT} lost a > b: collision-possible`,
      '10.0.88.100:30000 lost a > b: path-not-shown',
      '10.0.88.100:30000 unanswered after b',
    ],
  },
  {
    name: 'an ICMP error is a refusal, by who sent it',
    a: [
      ...around(0, 9),
      syn(1, CLIENT, SERVER, 77),
      { ...syn(1, CLIENT, SERVER, 77), at: 1.001, quotedBy: '10.0.88.1' },
    ],
    b: around(0, 9),
    is: [`${CLIENT} refused: refused`],
  },
  {
    name: 'a RST that only the first point shows was sent between the two',
    a: [
      ...around(0, 9),
      syn(1, CLIENT, SERVER, 77),
      { at: 1.001, from: SERVER, to: CLIENT, flags: 'RA', acknowledgment: 78 },
    ],
    b: around(0, 9),
    is: [`${CLIENT} refused: refused`],
  },
];

for (const { name, a, b, is } of ROWS) {
  test(name, async () => {
    assert.deepEqual(await linesOf(a, b), is);
  });
}

test('a proxy’s connections are said not to be the same', async () => {
  const { a = [], b = [] } = ROWS.find(({ name }) => name.startsWith('a proxy’s own')) ?? {};
  const notes = proxiesOf(await traceOf({ a: file(a), b: file(b) }));
  assert.deepEqual(
    notes.map(({ code, evidence }) => [code, evidence['listener'], evidence['between']]),
    [['not-the-same-connection', VIRTUAL, ['a', 'b']]],
  );
  const translated = ROWS.filter(({ name }) => /TOA|VLAN|port used again/.test(name));
  for (const row of translated)
    assert.deepEqual(proxiesOf(await traceOf({ a: file(row.a), b: file(row.b) })), []);
});

test('a scanner with one sequence number for all: never a wrong match', async () => {
  // Ports, sequence number and shape tell nothing; half are lost, and time is all there is.
  const probes = Array.from({ length: 200 }, (_, i) => i);
  const identification = 54_321;
  const a = probes.map((i) =>
    syn(1 + i * 0.01, `10.0.88.100:${50_000 + i}`, VIRTUAL, 42, { identification }),
  );
  const b = probes
    .filter((i) => i % 2 === 0)
    .map((i) =>
      syn(1.001 + i * 0.01, `10.0.124.161:${30_000 - i * 3}`, SERVER, 42, { identification }),
    );
  const { conversations } = await traceOf({
    a: file([...around(0, 9), ...a]),
    b: file([...around(0, 9), ...b]),
  });
  for (const { hops } of conversations) {
    const [first, second] = hops;
    if (first?.point !== 0 || !second || first.serverPort !== 18_056) continue;
    assert.equal(30_000 - (first.clientPort - 50_000) * 3, second.clientPort);
  }
});

test('clocks that differ by a minute are set right from both directions', async () => {
  const late = (packets: Packet[]) => packets.map((one) => ({ ...one, at: one.at + 60 }));
  const { clocks } = await traceOf({
    a: file([...around(0, 9), syn(1, CLIENT, SERVER, 77), answer(1.01, CLIENT, SERVER, 78)]),
    b: file(late([...around(0.002, 9.002), syn(1.002, CLIENT, SERVER, 77)])),
  });
  assert.ok(Math.abs((clocks[1]?.offset ?? 0) - 60) < 0.01, `${clocks[1]?.offset}`);
});

test('IPv6 is followed as IPv4 is', async () => {
  const [one, two] = [
    fromHex(`20010db8${'0'.repeat(22)}01`),
    fromHex(`20010db8${'0'.repeat(22)}02`),
  ];
  const packet = (from: Uint8Array, to: Uint8Array, segment: Uint8Array) =>
    concat(
      fromHex(`60000000 00${segment.length.toString(16).padStart(2, '0')} 06 40`),
      from,
      to,
      segment,
    );
  const segmentOf = (fields: Packet) => tcp(fields).slice(34);
  const sent = packet(one, two, segmentOf(syn(1, CLIENT, SERVER, 77)));
  const back = packet(two, one, segmentOf(answer(1, CLIENT, SERVER, 78)));
  const capture = (...frames: Uint8Array[]) =>
    writePcap(
      frames.map((bytes, i) =>
        capturedFrame(bytes, nanoseconds(1_700_000_000_000_000_000n + BigInt(i))),
      ),
      { linkType: LINK_RAW },
    );
  const trace = await traceOf({ a: capture(sent, back), b: capture(sent, back) });
  const [only, ...more] = trace.conversations.map((each) => conversationJson(trace, each));
  assert.equal(more.length, 0);
  assert.deepEqual(
    [only?.client, only?.listener, only?.outcome, only?.hops.length],
    ['[2001:db8::1]:21521', '[2001:db8::2]:8056', 'established', 2],
  );
});

/** Those around are left out, unless they are told apart. */
async function linesOf(a: Packet[], b: Packet[]): Promise<string[]> {
  const trace = await traceOf({ a: file(a), b: file(b) });
  return trace.conversations.flatMap((conversation) => {
    const { client, outcome, lostBetween, direction, hops } = conversationJson(trace, conversation);
    if (client.startsWith('10.0.88.101') && hops.length === 2) return [];
    const [from, to] = lostBetween ?? [];
    const where = from === undefined ? '' : to === null ? ` after ${from}` : ` ${from} > ${to}`;
    const back = direction === 'return' ? ' return' : '';
    const syns = hops[0]?.syn.length ?? 0;
    const codes = findingsOf(trace, conversation).map(({ code }) => code);
    const isHealthy = outcome === 'established';
    const seen = isHealthy && hops.length === 1 && client !== '10.0.88.101:40000';
    return [
      `${client} ${outcome}${where}${back}` +
        (syns > 1 ? ` (${syns} SYNs)` : '') +
        (isHealthy || codes.length === 0 ? '' : `: ${codes.join(', ')}`) +
        (seen ? `, seen at ${hops[0]?.point}` : ''),
    ];
  });
}

/** Ethernet and IPv4 of the packet, turned around, before the ICMP error that quotes it. */
function prohibited(from: string, packet: Uint8Array): Uint8Array {
  const icmp = encodeIcmp({ type: 3, code: 13, parameter: 0, body: packet.slice(14) });
  const head = packet.slice(0, 34);
  const view = viewOf(head);
  head.set(head.slice(26, 30), 30);
  view.setUint32(26, endpoint(`${from}:0`).address);
  view.setUint16(16, 20 + icmp.length);
  view.setUint8(23, 1);
  return concat(head, icmp);
}

function file(packets: readonly Packet[]): Uint8Array {
  const inOrder = packets.toSorted((one, other) => one.at - other.at);
  return writePcap(
    inOrder.map(({ at, quotedBy, ...fields }) =>
      capturedFrame(
        quotedBy === undefined ? tcp(fields) : prohibited(quotedBy, tcp(fields)),
        nanoseconds(BigInt(Math.round((1_700_000_000 + at) * 1e6)) * 1000n),
      ),
    ),
  );
}
