/** How fast a backend that stops is out of use, and one that comes back in use again: on a clock of our own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endpoint } from '../../packet/address.ts';
import { VirtualClock } from '../testdata/virtual-clock.ts';
import { checkRepeatedly, type Connector } from './check.ts';
import { checking, type Health } from './state.ts';

const flapping = { falls: 5, withinMs: 120_000, holdMs: 30_000, mostMs: 600_000 };
const once = { backOff: { after: 60, mostMs: 8_000 }, flapping };
const target = endpoint('10.0.98.79:8056');

type Way = 'refused' | 'silent';
type Story = {
  intervalMs: number;
  timeoutMs: number;
  rise: number;
  fall: number;
  backOff: { after: number; mostMs: number };
  stopsAtMs: number;
  way: Way;
  seed: number;
  /** At each check: as people and time servers set a machine's clock. */
  jumpMs: number;
};

/** The backend works, stops at a moment, and works again a long time later. */
async function tell({ stopsAtMs, way, seed, jumpMs, ...timing }: Story) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const checksMs = (timing.intervalMs + timing.timeoutMs) * (timing.fall + timing.rise + 2);
  const longMs = checksMs + 4 * timing.backOff.mostMs;
  const backAtMs = stopsAtMs + longMs;
  const connect: Connector = async (_target, timeoutMs, signal) => {
    clock.jump(jumpMs);
    const works = clock.steadyMs() < stopsAtMs || clock.steadyMs() >= backAtMs;
    if (works) return { ok: true };
    if (way === 'refused') return { ok: false, reason: 'connect refused' };
    await clock.sleep(timeoutMs, signal);
    return { ok: false, reason: 'timeout' };
  };
  const changes: { atMs: number; isUsed: boolean }[] = [];
  let isUsed = true;
  const onHealth = (health: Health) => {
    if (health.isUsed !== isUsed) changes.push({ atMs: clock.steadyMs(), isUsed: health.isUsed });
    isUsed = health.isUsed;
  };
  let state = seed;
  const random = () => ((state = (state * 1_103_515_245 + 12_345) % 2 ** 31), state / 2 ** 31);
  const options = { target, flapping, ...timing };
  const done = checkRepeatedly(
    { connect, clock, random, onHealth },
    options,
    checking(0, true),
    stop.signal,
  );
  await clock.runUntil(backAtMs + longMs);
  stop.abort();
  await done;
  return { changes, backAtMs };
}

const anyStory: fc.Arbitrary<Story> = fc
  .record({
    intervalMs: fc.integer({ min: 50, max: 5_000 }),
    timeoutShare: fc.double({ min: 0.1, max: 1, noNaN: true }),
    rise: fc.integer({ min: 1, max: 4 }),
    fall: fc.integer({ min: 1, max: 4 }),
    backOffAfter: fc.integer({ min: 1, max: 20 }),
    backOffTimes: fc.integer({ min: 1, max: 8 }),
    stopsAtMs: fc.integer({ min: 1, max: 20_000 }),
    way: fc.constantFrom<Way>('refused', 'silent'),
    seed: fc.nat(),
    jumpMs: fc.constantFrom(0, 0, 3_600_000, -3_600_000),
  })
  .map(({ timeoutShare, backOffAfter, backOffTimes, ...rest }) => ({
    ...rest,
    backOff: { after: backOffAfter, mostMs: backOffTimes * rest.intervalMs },
    timeoutMs: Math.ceil(rest.intervalMs * timeoutShare),
  }));

test('out at most interval × fall after it stopped (silent: + timeout), in again after back-off + interval × (rise - 1)', async () => {
  await fc.assert(
    fc.asyncProperty(anyStory, async (story) => {
      const { changes, backAtMs } = await tell(story);
      const [out, back, ...more] = changes;
      assert.deepEqual([out?.isUsed, back?.isUsed, more.length], [false, true, 0]);
      const silentMs = story.way === 'silent' ? story.timeoutMs : 0;
      const outAfterMs = (out?.atMs ?? Infinity) - story.stopsAtMs;
      assert.ok(outAfterMs <= story.intervalMs * story.fall + silentMs, `${outAfterMs} ms`);
      assert.ok(
        outAfterMs > story.intervalMs * 0.94 * (story.fall - 1) - story.intervalMs,
        'not at the first failure',
      );
      const inAfterMs = (back?.atMs ?? Infinity) - backAtMs;
      const mostMs = story.backOff.mostMs + story.intervalMs * (story.rise - 1) + silentMs;
      assert.ok(inAfterMs <= mostMs, `${inAfterMs} ms`);
    }),
    { numRuns: 60 },
  );
});

test('the first check is made at once', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const states: string[] = [];
  const done = checkRepeatedly(
    {
      connect: async () => ({ ok: true }),
      clock,
      random: () => 0,
      onHealth: ({ state }) => states.push(state),
    },
    { target, intervalMs: 1_000, timeoutMs: 500, rise: 2, fall: 3, ...once },
    checking(0, true),
    stop.signal,
  );
  await clock.runUntil(1);
  assert.deepEqual(states, ['up']);
  stop.abort();
  await done;
});

test('a check that is stopped says nothing', async () => {
  const stop = new AbortController();
  const connect: Connector = async (_target, _timeoutMs, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return { ok: false, reason: 'stopped' };
  };
  const said: Health[] = [];
  const done = checkRepeatedly(
    {
      connect,
      clock: new VirtualClock(),
      random: () => 0,
      onHealth: (health) => said.push(health),
    },
    { target, intervalMs: 1_000, timeoutMs: 500, rise: 1, fall: 1, ...once },
    checking(0, true),
    stop.signal,
  );
  stop.abort();
  await done;
  assert.deepEqual(said, []);
});
