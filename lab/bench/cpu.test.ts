import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busySecondsOf, cpuDuring, cpuInterval, parseCpuTimes } from './cpu.ts';

const STAT = `cpu  43723 100 48537 531678 875 7 3106 51 9 9
cpu0 20628 0 17760 273646 163 0 1617 25 0 0
intr 1515805 0 0
`;

test('all cores, waiting is idle, guest time is not counted twice', () => {
  assert.deepEqual(parseCpuTimes(STAT), {
    busySeconds: 954.73,
    idleSeconds: 5325.53,
    stealSeconds: 0.51,
  });
});

test('a file that is no /proc/stat is refused', () => {
  for (const text of ['', 'cpu0 1 2 3 4 5 6 7 8\n', 'cpu  1 2 3\n'])
    assert.throws(() => parseCpuTimes(text), /no line of eight CPU times/);
});

const interval = (busy: number, idle: number, steal: number, others = 0, seconds = 4) =>
  cpuInterval(
    { busySeconds: 10, idleSeconds: 20, stealSeconds: 30 },
    { busySeconds: 10 + busy, idleSeconds: 20 + idle, stealSeconds: 30 + steal },
    { seconds, othersSeconds: others },
  );

test('shares are of the time of all cores', () => {
  assert.deepEqual(interval(3, 4, 1, 0.5), {
    ...{ seconds: 4, othersSeconds: 0.5, busySeconds: 3 },
    ...{ busyShare: 0.375, stealShare: 0.125 },
  });
  assert.equal(interval(0, 0, 0).busyShare, 0);
});

const rows: { says: string; work: [number, number]; idle: [number, number]; is: number }[] = [
  { says: 'an idle machine', work: [6, 0], idle: [0, 0], is: 6 },
  { says: 'our own background, in proportion to time', work: [6, 0], idle: [0.25, 0], is: 4 },
  { says: 'others, as much as they used meanwhile', work: [6, 2], idle: [0.5, 0.5], is: 4 },
  { says: 'others that read more than there was', work: [6, 0], idle: [0, 0.1], is: 6 },
];

for (const { says, work, idle, is } of rows) {
  test(`taken off: ${says}`, () => {
    const background = interval(idle[0], 0.75, 0, idle[1], 0.5);
    assert.equal(busySecondsOf(interval(work[0], 2, 0, work[1]), background), is);
  });
}

test('a busy loop costs about its own time, and another process does not', async () => {
  const work = async () => {
    const end = performance.now() + 300;
    while (performance.now() < end);
  };
  const { cpu } = await cpuDuring({ times: () => new Map([[1, performance.now() / 1e3]]) }, work);
  assert.ok(cpu.busySeconds > 0.2, `${cpu.busySeconds} s`);
  assert.ok(cpu.seconds >= 0.3 && cpu.seconds < 3);
  assert.ok(Math.abs(cpu.othersSeconds - cpu.seconds) < 0.1);
});
