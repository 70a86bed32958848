/** Typed maps of every kind against the kernel. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { counter, u32 } from './codec.ts';
import { possibleCpus } from './kernel-map.ts';
import { addCounters, addNumbers, ArrayMap, PerCpuArray, StackMap, TypedMap } from './map.ts';
import type { LoadedObject } from './object.ts';
import { lacksBpf } from './testdata/compile.ts';
import { loadPrivateTrial, pair, sums } from './testdata/instance.ts';

const skip = lacksBpf;
let trial: LoadedObject;
before(async () => {
  if (skip === false) trial = await loadPrivateTrial({ numbers: 10_000 });
});
after(() => trial?.close());

test('a hash keeps what is set, and says whether a delete found it', { skip }, () => {
  const map = new TypedMap(trial.map('sessions'), pair, counter);
  const key = { left: 1, right: 0xffff_ffff };
  assert.equal(map.get(key), undefined);
  map.set(key, 2 ** 40 + 7);
  assert.equal(map.get(key), 2 ** 40 + 7);
  assert.equal(map.delete(key), true);
  assert.equal(map.delete(key), false);
});

test('create refuses what exists, replace what does not', { skip }, () => {
  const map = new TypedMap(trial.map('sessions'), pair, counter);
  const key = { left: 2, right: 2 };
  assert.throws(() => map.set(key, 1, 'replace'), { code: 'BPF_NOT_FOUND' });
  map.set(key, 1, 'create');
  assert.throws(() => map.set(key, 2, 'create'), { code: 'BPF_EXISTS' });
  map.set(key, 3, 'replace');
  assert.equal(map.get(key), 3);
  map.delete(key);
});

test(
  'a full hash is named with its capacity, and is read whole in small batches',
  { skip },
  async () => {
    const map = new TypedMap(trial.map('sessions'), pair, counter);
    for (let left = 0; left < 64; left++) map.set({ left, right: 9 }, left * 10);
    assert.throws(() => map.set({ left: 64, right: 9 }, 1), {
      code: 'BPF_MAP_FULL',
      message: 'map sessions is full at 64 entries; raise its capacity (sessions.capacity)',
    });
    for (const batchEntries of [1, 7, 64, 1000]) {
      const all: number[] = [];
      for await (const entries of map.entries(batchEntries))
        for (const [key, value] of entries) {
          assert.equal(value, key.left * 10);
          all.push(key.left);
        }
      assert.deepEqual(
        all.toSorted((a, b) => a - b),
        Array.from({ length: 64 }, (_, i) => i),
        `${batchEntries}`,
      );
    }
    assert.equal(await map.count(), 64);
    assert.equal([...map.keys()].length, 64);
    for (const key of [...map.keys()]) map.delete(key);
    assert.equal(await map.count(), 0);
  },
);

test('an array is read from anywhere to anywhere', { skip }, async () => {
  const map = new ArrayMap(trial.map('numbers'), pair);
  assert.equal(map.length, 10_000);
  map.set(9_999, { left: 1, right: 2 });
  assert.deepEqual(map.get(9_999), { left: 1, right: 2 });
  await map.setMany(
    5,
    Array.from({ length: 9_000 }, (_, i) => ({ left: i, right: 1 })),
  );
  const indexes: number[] = [];
  for await (const entries of map.entries({ from: 3, to: 8_000, batchEntries: 999 }))
    for (const [index, { left, right }] of entries) {
      assert.deepEqual([left, right], index < 5 ? [0, 0] : [index - 5, 1]);
      indexes.push(index);
    }
  assert.deepEqual([indexes.length, indexes[0], indexes.at(-1)], [7_997, 3, 7_999]);
});

test('an index outside an array is refused before the kernel sees it', { skip }, () => {
  const map = new ArrayMap(trial.map('numbers'), pair);
  for (const index of [-1, 10_000, 1.5])
    assert.throws(() => map.get(index), /RangeError: map numbers has indexes 0\.\.9999, got/);
});

test('copies per CPU are added, whatever the size of a value', { skip }, async () => {
  const counters = new PerCpuArray(trial.map('counters'), sums, addCounters);
  const odd = new PerCpuArray(trial.map('odd'), u32, addNumbers);
  assert.equal(counters.perCpu(1).length, possibleCpus());
  assert.deepEqual(counters.sum(1), { packets: 0, bytes: 0 });
  assert.deepEqual(odd.sums(), [0, 0, 0, 0]);
  for await (const entries of odd.entries({ batchEntries: 3 })) assert.ok(entries.length <= 3);
});

test('a stack gives back the newest first', { skip }, () => {
  const stack = new StackMap(trial.map('stack'), u32);
  for (let value = 0; value < 8; value++) stack.push(value);
  assert.throws(() => stack.push(8), { code: 'BPF_MAP_FULL' });
  assert.deepEqual([stack.pop(), stack.pop()], [7, 6]);
  for (let left = 6; left > 0; left--) stack.pop();
  assert.equal(stack.pop(), undefined);
});

test('a trie finds the longest prefix', { skip }, async () => {
  const bigEndian = (bytes: number[]) => Buffer.from(bytes).readUInt32LE();
  const map = new TypedMap(trial.map('prefixes'), pair, u32);
  map.set({ left: 8, right: bigEndian([10, 0, 0, 0]) }, 8);
  map.set({ left: 28, right: bigEndian([10, 0, 124, 160]) }, 28);
  assert.equal(map.get({ left: 32, right: bigEndian([10, 0, 124, 161]) }), 28);
  assert.equal(map.get({ left: 32, right: bigEndian([10, 0, 124, 176]) }), 8);
  assert.equal(map.get({ left: 32, right: bigEndian([11, 0, 0, 1]) }), undefined);
  assert.equal(await map.count(), 2);
});

test('a codec of another size than the map is refused', { skip }, () => {
  assert.throws(
    () => new TypedMap(trial.map('sessions'), pair, u32),
    /RangeError: map sessions has keys of 8 and values of 8 bytes, contract.ts says 8 and 4/,
  );
  assert.throws(() => trial.map('nothing'), { code: 'BPF_NOT_FOUND' });
});
