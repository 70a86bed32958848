/** Maps in memory do what the kernel's do: the balancer's tables are kept in either. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipv4Address, port } from '../../packet/address.ts';
import { u32 } from './codec.ts';
import { endpoint4, sessionSlot, traffic, type Endpoint4 } from './contract.ts';
import { addCounters } from './map.ts';
import { memoryMaps, type MemoryCounters } from './memory-map.ts';
import { balancerMapsIn } from './object-maps.ts';

const keyOf = (number: number): Endpoint4 => ({
  addr: ipv4Address('10.0.23.111'),
  port: port(number),
  protocol: 6,
});

test('two keys are one when their bytes are', async () => {
  const table = memoryMaps({}).table('listeners', endpoint4, u32);
  table.set(keyOf(80), 1);
  table.set({ protocol: 6, port: port(80), addr: ipv4Address('10.0.23.111') }, 2);
  await table.setMany([[keyOf(81), 3]]);
  assert.deepEqual([...table.keys()], [keyOf(80), keyOf(81)]);
  assert.equal(table.get(keyOf(80)), 2);
  assert.equal(await table.count(), 2);
  const batches: unknown[] = [];
  for await (const batch of table.entries(1)) batches.push(batch);
  assert.deepEqual(batches, [[[keyOf(80), 2]], [[keyOf(81), 3]]]);
  assert.deepEqual([table.delete(keyOf(80)), table.delete(keyOf(80))], [true, false]);
});

test('a full table says what to raise; modes are kept', () => {
  const table = memoryMaps({ listeners: 1 }).table('listeners', endpoint4, u32);
  assert.throws(() => table.set(keyOf(80), 1, 'replace'), { code: 'BPF_NOT_FOUND' });
  table.set(keyOf(80), 1, 'create');
  assert.throws(() => table.set(keyOf(80), 1, 'create'), { code: 'BPF_EXISTS' });
  assert.throws(() => table.set(keyOf(81), 1), { code: 'BPF_MAP_FULL' });
  table.set(keyOf(80), 2);
});

test('a list reads as zeros until it is written, and as bytes what the kernel would give', async () => {
  const list = memoryMaps({ session_slots: 3 }).array('session_slots', sessionSlot);
  assert.equal(list.get(2).word, 0);
  list.set(1, { ...list.get(1), word: 2, backend: 7 });
  assert.throws(() => list.get(3), /map session_slots has indexes 0\.\.2, got 3/);
  const batches: Buffer[] = [];
  for await (const { first, values, count } of list.raw({ from: 1, batchEntries: 1 })) {
    assert.deepEqual([values.length, count], [sessionSlot.bytes, 1]);
    batches[first] = Buffer.from(values);
  }
  assert.equal(sessionSlot.decode(batches[1] ?? Buffer.alloc(0)).backend, 7);
  assert.equal(batches.length, 3);
});

test('counters add up, one copy for all CPUs, and are cleared', () => {
  const make = memoryMaps({ backend_traffic: 2 });
  const counters = make.counters('backend_traffic', traffic, addCounters) as MemoryCounters<
    ReturnType<typeof traffic.read>
  >;
  for (const bytesIn of [5, 7])
    counters.add(1, (sum) => ({ ...sum, bytesIn: sum.bytesIn + bytesIn }));
  assert.deepEqual(
    counters.sums().map(({ bytesIn }) => bytesIn),
    [0, 12],
  );
  assert.equal(counters.perCpu(1).length, 1);
  counters.clear(1);
  assert.equal(counters.sum(1).bytesIn, 0);
});

test('a whole balancer lies in memory, with the sizes it asks for', () => {
  const maps = balancerMapsIn(memoryMaps({ listeners: 1, session_slots: 8 }));
  assert.equal(maps.sessionSlots.length, 8);
  maps.listeners.set(keyOf(80), {
    ...{
      index: 0,
      pool: 0,
      sessionsMax: 0,
      toa: 'off',
      onUnknown: 'reset',
      onRefused: 'reset',
      synProtection: 'off',
    },
  });
  assert.deepEqual([...maps.listeners.keys()], [keyOf(80)]);
});
