/** Programs run on our bytes, and what they report comes out of the ring buffer. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { u32 } from './codec.ts';
import { enableStats, programInfo } from './kernel-object.ts';
import { addCounters, addNumbers, ArrayMap, PerCpuArray } from './map.ts';
import type { LoadedObject } from './object.ts';
import { RingBuffer } from './ring-buffer.ts';
import { testRun, testRunInBackground } from './test-run.ts';
import { lacksBpf } from './testdata/compile.ts';
import { clock, loadPrivateTrial, seen, sums } from './testdata/instance.ts';

const skip = lacksBpf;
const PACKET = Buffer.alloc(60, 0x11);
const LOOPBACK = 1;
let trial: LoadedObject;
before(async () => {
  if (skip === false) trial = await loadPrivateTrial();
});
after(() => trial?.close());

test('the packet comes back as the program left it, nothing beyond it touched', { skip }, () => {
  const run = testRun(trial.program('watch'), { packet: PACKET });
  assert.equal(run.returnValue, -1);
  assert.equal(run.packet.length, 68);
  assert.equal(run.packet[14], 0x42);
  assert.deepEqual(run.packet.subarray(60), Buffer.alloc(8));
  assert.ok(run.output.length > 68);
  assert.ok(run.output.subarray(68).every((byte) => byte === 0xa5));
  assert.ok(
    PACKET.every((byte) => byte === 0x11),
    'the input is not written to',
  );
});

test(
  'records arrive in order, with the fields of the socket buffer that were asked for',
  { skip },
  () => {
    const records: unknown[] = [];
    const ring = new RingBuffer(trial.map('events'), (record) => records.push(seen.decode(record)));
    ring.consume();
    records.length = 0;
    for (const mark of [7, 8])
      testRun(trial.program('watch'), { packet: PACKET, skb: { mark, ifindex: LOOPBACK } });
    assert.equal(ring.consume(), 2);
    assert.deepEqual(records, [
      { length: 60, mark: 7, ifindex: LOOPBACK },
      { length: 60, mark: 8, ifindex: LOOPBACK },
    ]);
    ring.close();
  },
);

test('what a reader of records throws comes out of consume', { skip }, () => {
  const ring = new RingBuffer(trial.map('events'), () => {
    throw new Error('unreadable');
  });
  testRun(trial.program('watch'), { packet: PACKET });
  assert.throws(() => ring.consume(), /unreadable/);
  assert.equal(ring.consume(), 0);
  ring.close();
});

test('a reader of records may close the buffer it reads', { skip }, () => {
  let records = 0;
  const ring = new RingBuffer(trial.map('events'), () => {
    records++;
    ring.close();
  });
  for (let i = 0; i < 3; i++) testRun(trial.program('watch'), { packet: PACKET });
  ring.consume();
  assert.equal(records, 3);
  assert.equal(ring.consume(), 0);
});

test('a watched ring buffer reports by itself until it is told to stop', { skip }, async () => {
  const stop = new AbortController();
  const records: Buffer[] = [];
  const ring = new RingBuffer(trial.map('events'), (record) => records.push(record));
  ring.watch(stop.signal, (error) => assert.fail(String(error)));
  testRun(trial.program('watch'), { packet: PACKET });
  for (let waited = 0; records.length === 0 && waited < 2_000; waited += 10) await sleep(10);
  assert.equal(records.length, 1);
  stop.abort();
  testRun(trial.program('watch'), { packet: PACKET });
  await sleep(30);
  assert.equal(records.length, 1);
});

test('repeated runs leave the event loop free and are counted and timed', { skip }, async () => {
  const stats = enableStats();
  const program = trial.program('count_odd');
  const odd = new PerCpuArray(trial.map('odd'), u32, addNumbers);
  const [countBefore, before] = [odd.sum(3), programInfo(program.fd, program.name)];
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const run = await testRunInBackground(program, { packet: PACKET, repeat: 2_000_000 });
  clearInterval(timer);
  stats.close();
  const info = programInfo(program.fd, program.name);
  assert.equal(odd.sum(3) - countBefore, 2_000_000);
  assert.equal(run.returnValue, 0);
  assert.ok(turns > 1, `the event loop turned ${turns} times`);
  assert.ok(info.runCount - before.runCount >= 2_000_000n);
  assert.ok(info.runNanoseconds > before.runNanoseconds);
  assert.ok(info.jitedBytes > 0 && info.xlatedBytes > 0 && info.verifiedInstructions > 0);
  assert.equal(info.mapIds.length, 1);
});

test('per-CPU sums add what the program counted', { skip }, () => {
  const counters = new PerCpuArray(trial.map('counters'), sums, addCounters);
  counters.clear(0);
  for (let i = 0; i < 5; i++) testRun(trial.program('watch'), { packet: PACKET });
  assert.deepEqual(counters.sum(0), { packets: 5, bytes: 300 });
});

test(
  'a syscall program answers in its context and starts a timer that runs by itself',
  { skip },
  async () => {
    const context = Buffer.alloc(8);
    context.writeUInt32LE(41);
    const run = testRun(trial.program('start_clock'), { context });
    assert.equal(run.returnValue, 0);
    assert.equal(run.context.readUInt32LE(4), 42);
    const map = new ArrayMap(trial.map('clock'), clock);
    await sleep(100);
    const { ticks, timerLow } = map.get(0);
    assert.ok(ticks >= 3, `${ticks} ticks in 100 ms`);
    assert.equal(timerLow, 0n, 'the timer itself is not shown to user space');
  },
);

test('a run that the kernel refuses says which program', { skip }, () => {
  assert.throws(() => testRun(trial.program('watch'), { packet: Buffer.alloc(5) }), {
    code: 'BPF_CALL_FAILED',
    message: /cannot test-run program watch: EINVAL/,
  });
});
