/** Which connections a plan has, and how the prober's answers are read. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import { machineRunner } from '../collect/machine-runner.ts';
import { parseDelivery } from './delivery.ts';
import { parseAttempts, runPlan } from './attempt.ts';
import { againPlan, firstPlan, otherClientPlan, Ports, type Plan, type Purpose } from './plan.ts';

const TARGET = endpoint('10.0.23.111:18056');
const BACKENDS = [endpoint('10.0.98.79:8056'), endpoint('10.0.98.80:8056')];
const ports = () => new Ports({ low: 20_000, high: 20_099 }, 20_090);

function of({ attempts }: Plan, purpose: Purpose) {
  return attempts.filter((one) => one.purpose === purpose);
}

test('ports begin where they are told, wrap, and come once before any comes twice', () => {
  const some = ports();
  const taken = Array.from({ length: 100 }, () => some.take());
  assert.deepEqual([taken[0], taken[10]], [20_090, 20_000]);
  assert.equal(new Set(taken).size, 100);
});

test('a shared port is held towards every backend, before the listener is asked from it', () => {
  const plan = firstPlan(ports(), TARGET, BACKENDS);
  for (const shared of of(plan, 'shared-port')) {
    const holding = plan.attempts.filter(
      ({ holds, localPort }) => holds && localPort === shared.localPort,
    );
    assert.deepEqual(
      holding.map(({ host }) => host),
      ['10.0.98.79', '10.0.98.80'],
    );
    for (const { startMs } of holding) assert.ok(startMs < shared.startMs);
  }
  assert.equal(of(plan, 'shared-port').length, 3);
});

test('ports to the listener are nobody else’s', () => {
  const plan = firstPlan(ports(), TARGET, BACKENDS);
  const fresh = of(plan, 'listener').map(({ localPort }) => localPort);
  const others = plan.attempts.filter(({ purpose }) => purpose !== 'listener');
  assert.ok(others.every(({ localPort }) => !fresh.includes(localPort)));
});

test('without a backend that is known, nothing is tried past the balancer', () => {
  for (const backends of [[], [TARGET]])
    assert.ok(firstPlan(ports(), TARGET, backends).attempts.every(({ port }) => port === 18_056));
  assert.ok(otherClientPlan(ports(), TARGET).attempts.length > 0);
});

test('what failed beside a direct connection is tried again beside one', () => {
  const failed = [{ purpose: 'shared-port', localPort: 21_521 }] as const;
  const plan = againPlan(ports(), TARGET, BACKENDS, failed);
  assert.deepEqual(
    plan.attempts.filter(({ localPort }) => localPort === 21_521).map(({ purpose }) => purpose),
    ['direct', 'direct', 'again'],
  );
});

test('what the prober says of each attempt', () => {
  const plan = otherClientPlan(ports(), TARGET);
  const line = (id: number, ending: object, durationMs: number) =>
    `${JSON.stringify({ id, timeMs: 1, durationMs, ending })}\n`;
  const refused = (code: string, at: string) => ({ kind: 'refused-by-kernel', code, at });
  const labels = parseAttempts(
    line(0, { kind: 'connected' }, 1) +
      line(1, { kind: 'connected' }, 1_010) +
      line(2, { kind: 'timeout' }, 3_300) +
      line(3, refused('ECONNREFUSED', 'connect'), 1) +
      line(4, refused('EADDRINUSE', 'bind'), 1) +
      line(5, refused('EHOSTUNREACH', 'connect'), 1),
    plan,
  ).map(({ label }) => label);
  assert.deepEqual(labels, ['open', 'late', 'silent', 'closed', 'local-port-busy', 'icmp']);
});

test('what ss says of a connection that carries data', () => {
  const stuck = `ESTAB 0 4200 10.0.88.100:20001 10.0.23.111:18056
	 cubic wscale:10,10 rto:816 backoff:2 rtt:0.1/0.05 mss:1448 pmtu:1500 bytes_sent:8544 bytes_retrans:4344 bytes_acked:1 retrans:1/4 lost:3`;
  assert.deepEqual(parseDelivery(stuck), {
    ...{ sentBytes: 4_200, acknowledgedBytes: 0, retransmitted: 4, segmentBytes: 1_448 },
  });
  assert.equal(parseDelivery(''), undefined);
});

describe('the prober', { timeout: 30_000 }, () => {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()));
  before(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
  after(() => server.close());

  test('runs from standard input, and tells open from closed', async () => {
    const { port } = server.address() as AddressInfo;
    const common = { host: '127.0.0.1', localPort: 0, startMs: 0, holds: false, sendBytes: 0 };
    const attempts = [
      { ...common, id: 0, purpose: 'listener' as const, port },
      { ...common, id: 1, purpose: 'direct' as const, port: 1 },
    ];
    const plan = { timeoutMs: 2_000, lingerMs: 0, attempts };
    const result = await runPlan(machineRunner({ kind: 'here' }), plan);
    assert.ok(result.ok, JSON.stringify(result));
    const labels = result.value.toSorted((a, b) => a.id - b.id).map(({ label }) => label);
    // Late on a machine that is busy: not what this is about.
    assert.match(labels.join(), /^(?:open|late),closed$/);
  });
});
