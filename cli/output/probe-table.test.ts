import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import type { Outcome } from '../../diagnose/probe/outcome.ts';
import { metricsText } from '../../diagnose/probe/metrics.ts';
import { targetStates } from '../../diagnose/probe/side-by-side.ts';
import { recordedContext } from '../testing.ts';
import { liveTable, probeTable } from './probe-table.ts';
import { COLOURED, PLAIN } from './style.ts';

const states = targetStates([endpoint('10.0.23.111:18056'), endpoint('10.0.98.79:8056')]);
const [listener, server] = states;
const add = (state: typeof listener, port: number, outcome: Outcome, durationMs: number) =>
  state?.tally.add({ outcome, durationMs, source: { port }, packets: PACKETS });
const PACKETS = { syns: 2, challengeAcks: 1 };
add(listener, 21_520, { state: 'open', late: false }, 1);
add(listener, 21_521, { state: 'filtered', why: 'challenge-ack' }, 3_000);
add(listener, 21_522, { state: 'filtered', why: 'silent' }, 3_000);
add(server, 21_523, { state: 'open', late: true }, 1_001);
listener?.followUps.set('one-port', 1);

test('targets stand side by side, the failing ports below', () => {
  assert.equal(
    probeTable(states, true, PLAIN),
    [
      'target             all  open  late  closed  silent  icmp  ack     p50     p99',
      '10.0.23.111:18056    3     1     0       0       1     0    1     1.0     1.0',
      '10.0.98.79:8056      1     0     1       0       0     0    0  1001.0  1001.0',
      'failing source ports to 10.0.23.111:18056: 21521 21522',
      '',
    ].join('\n'),
  );
});

test('without packets challenge ACKs are unknown, not none', () => {
  assert.match(probeTable(states, false, PLAIN), /10\.0\.98\.79:8056 .* 0 {4}\? {2}1001\.0/);
});

for (const columns of [80, 120, 200])
  test(`drawn again it stands where it stood, at ${columns} columns, and no line wraps`, () => {
    const { context, stdout } = recordedContext({ isTerminal: true, style: COLOURED, columns });
    const screen = liveTable(context.stdout, () => probeTable(states, true, COLOURED));
    screen.line('an event\n');
    screen.line('another\n');
    screen.end();
    const [first = '', ...others] = stdout().split('\u001b[4A\r\u001b[J');
    assert.equal(others.length, 2, 'four lines back, twice');
    for (const text of [first, ...others])
      for (const line of text.split('\n'))
        // oxlint-disable-next-line no-control-regex -- colours take no room
        assert.ok(line.replace(/\u001b\[\d*m/g, '').length < columns, line);
    assert.match(others[0] ?? '', /^another\n/);
  });

test('a table higher than the screen is cut, so that it can be drawn again', () => {
  const { context, stdout } = recordedContext({ isTerminal: true, rows: 4 });
  liveTable(context.stdout, () => probeTable(states, true, PLAIN)).end();
  assert.equal(stdout().split('\n').length - 1, 2);
});

test('Prometheus reads the same figures', () => {
  const lines = metricsText(states, true).split('\n');
  for (const line of [
    'fullnat_probe_attempts_total{target="10.0.23.111:18056",outcome="challenge-ack"} 1',
    'fullnat_probe_handshake_seconds_count{target="10.0.98.79:8056"} 1',
    'fullnat_probe_handshake_seconds{target="10.0.98.79:8056",quantile="0.99"} 1.001',
    'fullnat_probe_failing_source_ports{target="10.0.23.111:18056"} 2',
    'fullnat_probe_follow_ups_total{target="10.0.23.111:18056",verdict="one-port"} 1',
    'fullnat_probe_syns_total{target="10.0.23.111:18056"} 6',
    'fullnat_probe_challenge_acks_total{target="10.0.23.111:18056"} 3',
    'fullnat_probe_sees_packets 1',
  ])
    assert.ok(lines.includes(line), `${line}\nnot in\n${lines.join('\n')}`);
});

test('what nobody saw is absent from the metrics, not 0', () => {
  assert.doesNotMatch(metricsText(states, false), /syns_total|challenge_acks_total/);
});

test('every sample has its type, once', () => {
  const lines = metricsText(states, true).trim().split('\n');
  const types = lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
  assert.equal(new Set(types).size, types.length);
  for (const line of lines.filter((each) => !each.startsWith('#'))) {
    const name = /^\w+/.exec(line)?.[0].replace(/_(sum|count)$/, '') ?? '';
    assert.ok(types.includes(name), line);
    assert.match(line, / \d+(\.\d+)?(e-\d+)?$/);
  }
});
