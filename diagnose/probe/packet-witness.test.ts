import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import { tcp } from '../../packet/build.ts';
import { concat } from '../../packet/bytes.ts';
import { LINK_COOKED2, parseCaptured } from '../../packet/link.ts';
import type { Parsed } from '../../packet/parsed.ts';
import { AttemptPackets, startWitness, witnessFilter } from './packet-witness.ts';

const ETHERNET_BYTES = 14;
const CLIENT = '10.0.88.100:21521';
const TARGET = '10.0.23.111:18056';
const FROM_US = 4;
const TO_US = 0;
const PAST_MS = 1_000;

interface Seen {
  readonly flags: string;
  readonly atMs: number;
  readonly direction?: typeof FROM_US | typeof TO_US;
  readonly sequence?: number;
}
const syn = (atMs: number, sequence = 1_000): Seen => ({ flags: 'S', atMs, sequence });
const reply = (flags: string, atMs: number): Seen => ({ flags, atMs, direction: TO_US });

const rows: readonly { name: string; given: readonly Seen[]; expect: unknown }[] = [
  { name: 'nothing', given: [], expect: undefined },
  {
    name: 'a handshake, and the ACK of data is none of its packets',
    given: [syn(1_000), reply('SA', 1_001), reply('A', 1_002)],
    expect: { syns: 1, challengeAcks: 0 },
  },
  {
    name: 'silence: SYNs sent again',
    given: [syn(1_000), syn(2_000), syn(4_000)],
    expect: { syns: 3, challengeAcks: 0 },
  },
  {
    name: 'an older connection answers, until the RST ends it',
    given: [syn(1_000), reply('A', 1_001), syn(2_000), reply('SA', 2_001)],
    expect: { syns: 2, challengeAcks: 1 },
  },
  {
    name: 'one SYN that is captured at a bond and at its port, or comes back over loopback',
    given: [syn(1_000), syn(1_000.1), { ...syn(1_000.2), direction: TO_US }],
    expect: { syns: 1, challengeAcks: 0 },
  },
  {
    name: 'the same port again: only the newer attempt counts',
    given: [syn(1_000), syn(2_000), syn(3_000, 7_777)],
    expect: { syns: 1, challengeAcks: 0 },
  },
  { name: 'what was before the attempt', given: [syn(10)], expect: undefined },
  { name: 'an ACK without a SYN', given: [reply('A', 1_000)], expect: undefined },
];

for (const { name, given, expect } of rows)
  test(name, () => {
    const attempts = new AttemptPackets();
    for (const one of given) attempts.add(captured(one), one.atMs);
    assert.deepEqual(attempts.take(endpoint(TARGET), 21_521, PAST_MS), expect);
    assert.equal(attempts.take(endpoint(TARGET), 21_521, PAST_MS), undefined);
  });

test('the filter names every target', () => {
  const filter = witnessFilter([endpoint(TARGET), endpoint('10.0.98.79:8056')]);
  for (const words of ['host 10.0.23.111 and port 18056', 'host 10.0.98.79 and port 8056'])
    assert.ok(filter.includes(words), filter);
});

function captured({ flags, direction = FROM_US, sequence = 1_000 }: Seen) {
  const ends = flags.includes('A') ? { from: TARGET, to: CLIENT } : { from: CLIENT, to: TARGET };
  const frame = tcp({ ...ends, flags, sequence });
  const cooked = new Uint8Array(20);
  cooked.set([0x08, 0x00]);
  cooked[10] = direction;
  const bytes = concat(cooked, frame.slice(ETHERNET_BYTES));
  return certainly(parseCaptured(bytes, LINK_COOKED2));
}

function certainly<T>(result: Parsed<T>): T {
  assert.ok(result.ok);
  return result.value;
}

for (const [name, endsByItself] of [
  ['a capture that ends by itself is told', true],
  ['a capture that was told to end is not', false],
] as const)
  test(name, async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    let lost = 0;
    const read = new Promise<void>((resolve) => {
      const start = () => ({
        stdout: (async function* (): AsyncGenerator<Uint8Array, void> {
          await ended;
          // What reads it looks at the end in the next turn.
          setImmediate(resolve);
          yield* [];
        })(),
        said: () => Promise.resolve(),
        stop: () => Promise.resolve(end()),
      });
      void startWitness({ start, onLost: () => (lost += 1) }, [endpoint(TARGET)]).then((seen) => {
        if (endsByItself) end();
        else if (seen.ok) void seen.stop();
      });
    });
    await read;
    assert.equal(lost, endsByItself ? 1 : 0);
  });
