import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, port } from '../../packet/address.ts';
import type { Ending, Label } from './outcome.ts';
import { labelOf } from './outcome.ts';
import {
  probe,
  type Clock,
  type Connector,
  type ConnectRequest,
  type ProbeOptions,
} from './probe.ts';
import { exitCodeOf, Tally } from './summary.ts';

const options: ProbeOptions = {
  target: endpoint('10.0.23.111:18056'),
  intervalMs: 1_000,
  timeoutMs: 3_000,
  close: 'fin',
};
const ports = (low: number, high: number) => ({ low: port(low), high: port(high) });

test('a port range is walked once', async () => {
  const { asked } = await run({ ...options, sourcePorts: ports(21_520, 21_523) });
  assert.deepEqual(
    asked.map(({ sourcePort }) => sourcePort),
    [21_520, 21_521, 21_522, 21_523],
  );
});

test('with a count it is walked over and over', async () => {
  const { asked } = await run({ ...options, sourcePorts: ports(1_000, 1_001), count: 5 });
  assert.deepEqual(
    asked.map(({ sourcePort }) => sourcePort),
    [1_000, 1_001, 1_000, 1_001, 1_000],
  );
});

test('without source ports the kernel chooses', async () => {
  const { asked } = await run({ ...options, count: 2 });
  assert.deepEqual(
    asked.map(({ sourcePort }) => sourcePort),
    [undefined, undefined],
  );
});

test('attempts start one interval apart; one that outlasts it delays the next, not the ones after', async () => {
  const { startsMs } = await run({ ...options, count: 4 }, [1, 2_500, 1, 1]);
  assert.deepEqual(startsMs, [0, 1_000, 3_500, 4_500]);
});

test('an endless probe ends when it is aborted', async () => {
  const stop = new AbortController();
  const { asked } = await run(options, [1], { stop, after: 3 });
  assert.equal(asked.length, 3);
});

test('an attempt that is aborted is not reported', async () => {
  const stop = new AbortController();
  const connect: Connector = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      stop.abort();
    });
  const attempts = [];
  for await (const attempt of probe({ connect, clock: fakeClock() }, options, stop.signal))
    attempts.push(attempt);
  assert.deepEqual(attempts, []);
});

test('the one source port that a direct connection holds is the one that is named', async () => {
  const tally = new Tally();
  const clock = fakeClock();
  const connect: Connector = async ({ sourcePort }) => ({
    ending: { kind: sourcePort === 21_521 ? 'timeout' : 'connected' },
    durationMs: 1,
    closed: Promise.resolve(),
  });
  const walk = { ...options, sourcePorts: ports(21_500, 21_599) };
  for await (const attempt of probe({ connect, clock }, walk, new AbortController().signal))
    tally.add(attempt);
  const summary = tally.summary();
  assert.equal(summary.counts.open, 99);
  assert.deepEqual(summary.filteredPorts, [21_521]);
  assert.equal(exitCodeOf(summary), 10);
});

/** A socket alone knows nothing of challenge ACKs. */
type SocketLabel = Exclude<Label, 'challenge-ack'>;

const exits: readonly { seen: readonly SocketLabel[]; exit: number }[] = [
  { seen: ['open', 'open'], exit: 0 },
  { seen: ['open', 'late'], exit: 12 },
  { seen: ['late', 'closed', 'open'], exit: 11 },
  { seen: ['closed', 'silent', 'late'], exit: 10 },
  { seen: ['icmp', 'open'], exit: 10 },
  { seen: ['silent', 'error'], exit: 1 },
  { seen: ['open', 'local-port-busy'], exit: 0 },
  { seen: ['local-port-busy'], exit: 1 },
  { seen: [], exit: 1 },
];

const endings: Readonly<Record<SocketLabel, { ending: Ending; durationMs: number }>> = {
  open: { ending: { kind: 'connected' }, durationMs: 1 },
  late: { ending: { kind: 'connected' }, durationMs: 1_001 },
  closed: { ending: failing('ECONNREFUSED'), durationMs: 1 },
  silent: { ending: { kind: 'timeout' }, durationMs: 3_000 },
  icmp: { ending: failing('EHOSTUNREACH'), durationMs: 1 },
  'local-port-busy': { ending: failing('EADDRNOTAVAIL'), durationMs: 0 },
  error: { ending: failing('EMFILE'), durationMs: 0 },
};

for (const { seen, exit } of exits)
  test(`exit code of ${seen.join(', ') || 'nothing'} is ${exit}`, async () => {
    const tally = new Tally();
    let i = 0;
    const connect: Connector = async () => {
      const label = seen[i++];
      assert.ok(label !== undefined);
      return { ...endings[label], closed: Promise.resolve() };
    };
    const finite = { ...options, count: seen.length };
    for await (const attempt of probe(
      { connect, clock: fakeClock() },
      finite,
      new AbortController().signal,
    )) {
      assert.equal(labelOf(attempt.outcome), seen[i - 1]);
      tally.add(attempt);
    }
    assert.equal(exitCodeOf(tally.summary()), exit);
  });

function failing(code: string): Ending {
  return { kind: 'refused-by-kernel', code, at: 'connect' };
}

async function run(
  given: ProbeOptions,
  durationsMs: readonly number[] = [1],
  ending?: { stop: AbortController; after: number },
) {
  const clock = fakeClock();
  const asked: ConnectRequest[] = [];
  const startsMs: number[] = [];
  const connect: Connector = async (request) => {
    const durationMs = durationsMs[asked.length % durationsMs.length] ?? 1;
    asked.push(request);
    startsMs.push(clock.monotonicMs());
    await clock.sleep(durationMs, new AbortController().signal);
    return { ending: { kind: 'connected' }, durationMs, closed: Promise.resolve() };
  };
  const signal = ending?.stop.signal ?? new AbortController().signal;
  for await (const attempt of probe({ connect, clock }, given, signal)) {
    assert.equal(attempt.outcome.state, 'open');
    if (ending !== undefined && asked.length === ending.after) ending.stop.abort();
  }
  return { asked, startsMs };
}

function fakeClock(): Clock {
  let nowMs = 0;
  return {
    now: () => 1_700_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    sleep: async (durationMs) => {
      nowMs += durationMs;
    },
  };
}
