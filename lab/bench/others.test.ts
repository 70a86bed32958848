import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { otherProcesses, parseStat, secondsBetween } from './others.ts';

const rows: { says: string; text: string; parent: number; cpuSeconds: number }[] = [
  {
    says: 'user, system, and both of ended children',
    text: '42 (nginx) S 7 42 42 0 -1 4194624 1 2 3 4 100 20 3000 400000 20 0 1 0 99\n',
    ...{ parent: 7, cpuSeconds: 4031.2 },
  },
  {
    says: 'a name with spaces and parentheses',
    text: '42 (a) b (c) R 1 42 42 0 -1 4194624 1 2 3 4 5 6 7 8 20 0 1 0 99\n',
    ...{ parent: 1, cpuSeconds: 0.26 },
  },
];

for (const { says, text, ...stat } of rows) {
  test(says, () => assert.deepEqual(parseStat(text), stat));
}

test('what is no stat file is refused', () => {
  assert.throws(() => parseStat('42 (sh) S 1\n'), /not the stat file of a process/);
});

const sums: { says: string; before: [number, number][]; after: [number, number][]; is: number }[] =
  [
    { says: 'time passes', before: [[5, 10]], after: [[5, 12]], is: 2 },
    {
      says: 'a child’s time goes to its parent',
      before: [
        [5, 1],
        [6, 30],
      ],
      after: [[5, 33]],
      is: 2,
    },
    { says: 'a new one', before: [], after: [[8, 1.5]], is: 1.5 },
    { says: 'nobody waited for it', before: [[6, 30]], after: [], is: 0 },
  ];

for (const { says, before, after, is } of sums) {
  test(`between two readings: ${says}`, () =>
    assert.equal(secondsBetween(new Map(before), new Map(after)), is));
}

test('this process and its ended children are no others', () => {
  const others = otherProcesses([]);
  const before = others.times();
  spawnSync('sh', ['-c', 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done']);
  assert.ok(!others.times().has(process.pid));
  assert.ok(before.has(1), 'the first process of the machine is one');
});
