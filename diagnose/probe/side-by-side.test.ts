import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, port } from '../../packet/address.ts';
import { SWEEP_PORTS } from './follow-up.ts';
import type { Ending } from './outcome.ts';
import type { Clock, ConnectRequest, Connection } from './probe.ts';
import {
  probeSideBySide,
  targetStates,
  type ProbeEvent,
  type SideBySideOptions,
} from './side-by-side.ts';

const LISTENER = endpoint('10.0.23.111:18056');
const BACKEND = endpoint('10.0.98.79:8056');
const OPEN: Ending = { kind: 'connected' };
const SILENT: Ending = { kind: 'timeout' };
const options: SideBySideOptions = {
  targets: [LISTENER],
  backends: [BACKEND],
  followsUp: true,
  intervalMs: 1_000,
  timeoutMs: 3_000,
  close: 'fin',
  sourcePorts: { low: port(21_520), high: port(21_523) },
};
const onlyPort = (failing: number) => (request: ConnectRequest) =>
  request.target.port === LISTENER.port && request.sourcePort === failing ? SILENT : OPEN;

test('a silence is followed up at once, before the next attempt', async () => {
  const { events, asked } = await run(options, onlyPort(21_521));
  assert.deepEqual(
    events.map((event) => (event.kind === 'follow-up' ? event.judged.verdict : event.kind)),
    ['attempt', 'attempt', 'one-port', 'attempt', 'attempt'],
  );
  const tried = asked.map(
    ({ target, sourcePort }) => `${sourcePort}>${target.port === LISTENER.port ? 'vip' : 'rip'}`,
  );
  assert.deepEqual(tried.slice(0, 5), [
    '21520>vip',
    '21521>vip',
    '21521>vip',
    '21522>vip',
    '21521>rip',
  ]);
  assert.equal(tried.length, 4 + 3 + SWEEP_PORTS);
});

test('the same port is never tried past the balancer while it is tried through it', async () => {
  const busy = new Set<number | undefined>();
  await run(options, onlyPort(21_521), (request, isOver) => {
    if (isOver) busy.delete(request.sourcePort);
    else assert.ok(!busy.has(request.sourcePort), `port ${request.sourcePort} twice at once`);
    if (!isOver) busy.add(request.sourcePort);
  });
});

test('a target that is silent throughout is followed up once in half a minute', async () => {
  const { events } = await run({ ...options, count: 20 }, () => SILENT);
  const times = events.flatMap((event) => (event.kind === 'follow-up' ? [event.timeMs] : []));
  assert.ok(times.length > 1);
  times.slice(1).forEach((time, i) => assert.ok(time - (times[i] ?? 0) >= 30_000));
});

test('without follow-up only attempts are made', async () => {
  const { asked } = await run({ ...options, followsUp: false }, () => SILENT);
  assert.equal(asked.length, 4);
});

test('two targets share the ports out, and a sweep keeps to those of its own', async () => {
  const walk = { low: port(21_520), high: port(21_540) };
  const given = { ...options, targets: [LISTENER, BACKEND], sourcePorts: walk };
  const { asked } = await run(given, onlyPort(21_521));
  const ports = (of: typeof LISTENER) =>
    asked.filter(({ target }) => target.port === of.port).map(({ sourcePort }) => sourcePort);
  assert.deepEqual(
    asked.filter(({ close }) => close === 'fin').length,
    20,
    'one walk, without the port that is left over',
  );
  // Past the balancer from the port that failed: the one that is shared on purpose.
  const direct = new Set(ports(BACKEND));
  const shared = new Set(ports(LISTENER).filter((each) => direct.has(each)));
  assert.deepEqual([...shared], [21_521]);
});

test('what this machine cannot do ends all targets', async () => {
  const refused: Ending = { kind: 'refused-by-kernel', code: 'EMFILE', at: 'connect' };
  const { events } = await run({ ...options, targets: [LISTENER, BACKEND] }, ({ target }) =>
    target === LISTENER ? refused : OPEN,
  );
  assert.ok(events.some((event) => event.kind === 'local-error' && event.code === 'EMFILE'));
  assert.ok(events.filter(({ kind }) => kind === 'attempt').length < 4);
});

async function run(
  given: SideBySideOptions,
  endingOf: (request: ConnectRequest) => Ending,
  watch: (request: ConnectRequest, isOver: boolean) => void = () => {},
) {
  const asked: ConnectRequest[] = [];
  const events: ProbeEvent[] = [];
  const clock = steppingClock();
  const connect = async (request: ConnectRequest): Promise<Connection> => {
    asked.push(request);
    watch(request, false);
    const ending = endingOf(request);
    const durationMs = ending.kind === 'timeout' ? request.timeoutMs : 1;
    await clock.sleep(durationMs);
    watch(request, true);
    const source = { address: '10.0.88.100', port: Number(request.sourcePort) };
    return { ending, durationMs, source, closed: Promise.resolve() };
  };
  await probeSideBySide(
    { connect, clock, held: async () => [] },
    given,
    targetStates(given.targets),
    (event) => events.push(event),
    new AbortController().signal,
  );
  return { asked, events };
}

/** Time stands still while anybody works, and jumps to the next who sleeps. */
function steppingClock(): Clock & { sleep(durationMs: number): Promise<void> } {
  let nowMs = 0;
  const sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const step = () => {
    sleepers.sort((a, b) => a.atMs - b.atMs);
    const next = sleepers.shift();
    if (next === undefined) return;
    nowMs = Math.max(nowMs, next.atMs);
    next.wake();
  };
  return {
    now: () => 1_700_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    sleep: (durationMs) =>
      new Promise((wake) => {
        sleepers.push({ atMs: nowMs + durationMs, wake });
        setImmediate(step);
      }),
  };
}
