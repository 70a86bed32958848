/** contract.ts against contract.h: the compiler's BTF must agree on every size, offset and number. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBtf, type Btf } from './btf.ts';
import type { StructCodec } from './codec.ts';
import * as contract from './contract.ts';
import { compileText, DATAPATH, lacksClang, ROOT } from './testdata/compile.ts';
import * as verdicts from './verdicts.ts';

const STRUCTS = (Object.values(contract) as unknown[])
  .filter(isStruct)
  .filter(({ name }) => name !== 'sweep_value');

/** Our words, the C enum, and what its constants begin with. */
const ENUMS: readonly [Readonly<Record<string, number>>, string, string][] = [
  [contract.SESSION_STATE, 'session_state', 'STATE'],
  [contract.SESSION_KIND, 'session_kind', 'SESSION'],
  [contract.TOA_MODE, 'toa_mode', 'TOA'],
  [contract.REFUSAL, 'refusal', 'REFUSE'],
  [contract.SYN_PROTECTION, 'syn_protection', 'SYN_PROTECTION'],
  [contract.SCHEDULE_SELECT, 'schedule_select', 'SELECT'],
  [contract.COLLISION_POLICY, 'collision_policy', 'ON_COLLISION'],
  [contract.ACCESS, 'access', 'ACCESS'],
  [contract.EVENT_TYPE, 'event_type', 'EVENT'],
  [contract.COLLISION_ACTION, 'collision_action', 'ACTION'],
  [contract.CLIENT_SOURCE, 'client_source', 'CLIENT_FROM'],
  [verdicts.VERDICT, 'verdict', 'VERDICT'],
  [verdicts.NOTE, 'note', 'NOTE'],
  [verdicts.SOCKET_NOTE, 'socket_note', 'SOCKET_NOTE'],
];
const COUNTS: Readonly<Record<string, number>> = {
  STATE_COUNT: Object.keys(contract.SESSION_STATE).length,
  VERDICT_COUNT: verdicts.VERDICT_COUNT,
  NOTE_COUNT: verdicts.NOTE_COUNT,
  SOCKET_NOTE_COUNT: verdicts.SOCKET_NOTE_COUNT,
};
const MACROS = Object.entries({ ...contract }).flatMap(([name, value]) =>
  typeof value === 'number' && name !== 'TICKS_MODULO' ? [[name, value] as const] : [],
);

const HEADER = readFileSync(join(DATAPATH, 'contract.h'), 'utf8');

test('every struct and enum of contract.h has its mirror', () => {
  const named = (keyword: string) =>
    [...HEADER.matchAll(new RegExp(`^${keyword} (\\w+) \\{`, 'gm'))]
      .map(([, name]) => name)
      .toSorted(byText);
  assert.deepEqual(STRUCTS.map(({ name }) => name).toSorted(byText), named('struct'));
  assert.deepEqual(ENUMS.map(([, name]) => name).toSorted(byText), named('enum'));
});

test('every plain number of contract.h has its mirror', () => {
  const defined = [...HEADER.matchAll(/^#define (\w+) /gm)]
    .map(([, name]) => name)
    .toSorted(byText);
  assert.deepEqual(MACROS.map(([name]) => name).toSorted(byText), defined);
});

const btf = lacksClang ? undefined : compileContract();
for (const codec of STRUCTS)
  test(`struct ${codec.name} is laid out as in C`, { skip: lacksClang }, () =>
    sameLayout(codec, btf),
  );

for (const [words, name, prefix] of ENUMS)
  test(`enum ${name} has C's numbers`, { skip: lacksClang }, () => {
    const constants = [...(btf?.enums.get(name) ?? [])].filter(
      ([constant]) => !(constant in COUNTS),
    );
    const ours = Object.entries(words).map(([word, value]) => [`${prefix}_${upper(word)}`, value]);
    assert.deepEqual(ours, constants);
  });

test('counts and plain numbers are those of C', { skip: lacksClang }, () => {
  for (const [name, value] of Object.entries(COUNTS))
    assert.ok(
      [...(btf?.enums.values() ?? [])].some((constants) => constants.get(name) === value),
      name,
    );
  for (const [name, value] of MACROS)
    assert.equal((btf?.enums.get('macros')?.get(`MACRO_${name}`) ?? NaN) >>> 0, value, name);
});

for (const role of ['balancer', 'agent']) {
  const object = join(ROOT, `dist/datapath/${role}/${role}.bpf.o`);
  const skip = existsSync(object) ? false : `needs ${object} (npm run build)`;
  test(`the compiled ${role} has the same layouts`, { skip }, () => {
    const built = parseBtf(readFileSync(object));
    const shared = STRUCTS.filter(({ name }) => built.structs.has(name));
    assert.ok(shared.length >= 8, `only ${shared.map(({ name }) => name).join()} found`);
    for (const codec of shared) sameLayout(codec, built);
  });
}

test('a value of sweep is the timer and then the figures', () => {
  assert.equal(contract.sweep.bytes, 16 + contract.sweepStats.bytes);
});

test('bytes decoded and encoded again are the same, padding zeroed', () => {
  for (const codec of STRUCTS.filter(({ name }) => !HAS_WORDS.has(name)))
    fc.assert(
      fc.property(fc.uint8Array({ minLength: codec.bytes, maxLength: codec.bytes }), (random) => {
        const bytes = Buffer.from(random);
        if (codec.name === 'backend') for (const at of [6, 7]) bytes[at] = (bytes[at] ?? 0) & 1;
        keepCountersExact(codec, bytes);
        for (const { name, offset, bytes: length } of codec.places)
          if (name === 'pad') bytes.fill(0, offset, offset + length);
        assert.deepEqual(codec.encode(codec.decode(bytes)), bytes, codec.name);
      }),
    );
});

test('each word survives encoding, and an unknown number is refused', () => {
  for (const toa of ['off', 'syn', 'handshake'] as const)
    for (const onUnknown of ['reset', 'drop'] as const) {
      const value = {
        pool: 1,
        sessionsMax: 2,
        index: 3,
        toa,
        onUnknown,
        onRefused: onUnknown,
        synProtection: 'auto' as const,
      };
      assert.deepEqual(contract.listener.decode(contract.listener.encode(value)), value);
    }
  assert.throws(
    () => contract.listener.decode(Buffer.alloc(16, 9)),
    /RangeError: 9 is none of off, syn, handshake/,
  );
});

test('what does not fit is refused', () => {
  assert.throws(() => contract.flow4.decode(Buffer.alloc(15)), /struct flow4 has 16 bytes, got 15/);
  assert.throws(() => contract.localPair.encode({ local: -1, backend: 0 }), /RangeError/);
  assert.throws(() => contract.localPair.encode({ local: 2 ** 32, backend: 0 }), /RangeError/);
});

test('every verdict and note has a meaning of one line', () => {
  for (const meaning of [
    ...Object.values(verdicts.VERDICT_MEANING),
    ...Object.values(verdicts.NOTE_MEANING),
    ...Object.values(verdicts.SOCKET_NOTE_MEANING),
  ])
    assert.match(meaning, /^[^\n]{20,120}$/);
});

/** Structs with enums inside: not every byte is a value. */
const HAS_WORDS = new Set([
  ...['session_slot', 'listener', 'pool', 'server', 'event'],
  ...['client', 'client_record'],
]);

/** Counters are numbers: exact up to 2^53 only. */
function keepCountersExact(codec: StructCodec<unknown>, bytes: Buffer): void {
  if (
    ![
      ...['session_entry', 'sweep_stats', 'local_ports', 'traffic', 'outcomes', 'collision_count'],
    ].includes(codec.name)
  )
    return;
  for (const { offset, bytes: length } of codec.places)
    for (let at = offset; length % 8 === 0 && at < offset + length; at += 8)
      bytes.writeUInt16LE(0, at + 6);
}

function sameLayout(codec: StructCodec<unknown>, from: Btf | undefined): void {
  const compiled = from?.structs.get(codec.name);
  const ours = codec.places.map((place) => ({ ...place, name: snake(place.name) }));
  assert.deepEqual({ bytes: codec.bytes, fields: ours }, compiled);
}

/** Each type as a variable, so that the compiler describes it; each number as an enumerator. */
function compileContract(): Btf {
  const variables = [
    ...STRUCTS.map(({ name }) => `struct ${name} a_${name};`),
    ...ENUMS.map(([, name]) => `enum ${name} an_${name};`),
    `enum macros { ${MACROS.map(([name]) => `MACRO_${name} = ${name}`).join(', ')} } numbers;`,
  ];
  return parseBtf(
    readFileSync(compileText('contract', ['#include "contract.h"', ...variables].join('\n'))),
  );
}

function byText(a = '', b = ''): number {
  return a < b ? -1 : 1;
}

function isStruct(value: unknown): value is StructCodec<unknown> {
  return typeof value === 'object' && value !== null && 'places' in value;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function upper(word: string): string {
  return word.replaceAll('-', '_').toUpperCase();
}
