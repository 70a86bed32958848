/** Loading, adopting what is pinned, and refusing what does not fit. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { test } from 'node:test';
import { detachInstance } from './attach.ts';
import { counter } from './codec.ts';
import { ArrayMap, TypedMap } from './map.ts';
import { loadObject, loadPrivateObject, openInstance } from './object.ts';
import { listInstances, listPins, pinPath, roleDirectory } from './pins.ts';
import { testRun } from './test-run.ts';
import { compileTrial, lacksBpf } from './testdata/compile.ts';
import { clock, loadTrial, pair, SILENT, testInstance } from './testdata/instance.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const skip = lacksBpf;
const KEY = { left: 1, right: 2 };

test('the next daemon adopts maps, contents and a running timer', { skip }, async () => {
  const instance = testInstance();
  const first = await loadTrial(instance);
  assert.deepEqual(first.adopted, []);
  new TypedMap(first.map('sessions'), pair, counter).set(KEY, 99);
  testRun(first.program('start_clock'), { context: Buffer.alloc(8) });
  first.close();

  await sleep(30);
  const tools = openInstance(instance, 'balancer');
  const before = new ArrayMap(tools.map('clock'), clock).get(0).ticks;
  await sleep(50);
  const later = new ArrayMap(tools.map('clock'), clock).get(0).ticks;
  assert.ok(later > before, `the timer stood at ${later} while no daemon ran`);
  tools.close();

  const second = await loadTrial(instance);
  assert.deepEqual(
    second.adopted.toSorted(),
    listPins(instance, 'balancer')
      .map(({ map }) => map)
      .toSorted(),
  );
  assert.equal(second.adopted.length, 8);
  assert.equal(new TypedMap(second.map('sessions'), pair, counter).get(KEY), 99);
  second.close();

  assert.ok(listInstances().includes(instance));
  const removed = await detachInstance(instance);
  assert.deepEqual([removed.pins, removed.sessionsEnded], [8, 1]);
  assert.ok(!listInstances().includes(instance));
});

test('another capacity than the pinned one is refused, and nothing changes', { skip }, async () => {
  const instance = testInstance();
  const first = await loadTrial(instance, { sessions: 100 });
  new TypedMap(first.map('sessions'), pair, counter).set(KEY, 1);
  new TypedMap(first.map('sessions'), pair, counter).set({ left: 2, right: 1 }, 1);
  first.close();
  await assert.rejects(loadTrial(instance, { sessions: 200 }), {
    code: 'BPF_CAPACITY_CHANGED',
    message: `instance ${instance} has map sessions with room for 100 entries, 200 are wanted; run \`fullnat detach --instance ${instance}\` (ends 1 session) or keep the old value`,
  });
  const again = await loadTrial(instance, { sessions: 100 });
  assert.equal(new TypedMap(again.map('sessions'), pair, counter).get(KEY), 1);
  again.close();
});

test('a pinned map of another layout or version is never read as ours', { skip }, async () => {
  const instance = testInstance();
  (await loadTrial(instance)).close();
  const [numbers, sessions] = ['numbers', 'sessions'].map((map) =>
    pinPath(instance, 'balancer', map),
  ) as [string, string];
  renameSync(sessions, `${sessions}x`);
  renameSync(numbers, sessions);
  await assert.rejects(loadTrial(instance), {
    code: 'BPF_LAYOUT_CHANGED',
    message:
      /map sessions of another layout \(type is 2, wanted 1, keyBytes is 4, wanted 8\); run `fullnat detach/,
  });
  renameSync(sessions, numbers);
  renameSync(`${sessions}x`, `${roleDirectory(instance, 'balancer')}/sessions_v0`);
  await assert.rejects(loadTrial(instance), {
    code: 'BPF_LAYOUT_CHANGED',
    message: /map sessions of another layout \(pinned by version 0, this is version \d+\)/,
  });
});

test('the verifier rejects, the error shows why, and no pin is left', { skip }, async () => {
  const instance = testInstance();
  const path = compileTrial('rejected');
  const load = loadObject({ path, instance, role: 'balancer', capacities: {}, log: SILENT });
  await assert.rejects(load, {
    code: 'BPF_VERIFIER_REJECTED',
    message: /invalid mem access 'map_value_or_null'/,
  });
  assert.deepEqual(listPins(instance, 'balancer'), []);
});

const REFUSED: [sentence: string, load: () => Promise<unknown>, expected: object][] = [
  [
    'a file that is not there',
    () => loadPrivateObject({ path: '/nowhere.bpf.o', capacities: {} }),
    { code: 'BPF_NOT_FOUND', message: /cannot open BPF object \/nowhere.bpf.o/ },
  ],
  [
    'a capacity for a map that the object does not have',
    () => loadPrivateObject({ path: compileTrial('trial'), capacities: { session: 1 } }),
    { name: 'RangeError', message: /has no map session; it has counters, events/ },
  ],
  [
    'an instance name that is not a file name',
    () => loadTrial('../x'),
    { name: 'RangeError', message: /an instance name has 1 to 32 letters/ },
  ],
];
for (const [sentence, load, expected] of REFUSED)
  test(`refused: ${sentence}`, { skip }, () => assert.rejects(load, expected));
