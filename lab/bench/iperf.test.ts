import assert from 'node:assert/strict';
import { test } from 'node:test';
import { iperfArgv, parseIperf } from './iperf.ts';

test('bytes are the receiver’s, retransmissions the sender’s', () => {
  const report = {
    start: { version: 'iperf 3.12' },
    end: {
      sum_sent: { bytes: 5_000_000_100, seconds: 3.0, retransmits: 17 },
      sum_received: { bytes: 5_000_000_000, seconds: 3.04 },
    },
  };
  assert.deepEqual(parseIperf(JSON.stringify(report)), {
    bytes: 5_000_000_000,
    seconds: 3.04,
    retransmits: 17,
  });
});

test('a failure is told in iperf3’s own words', () => {
  const report = { end: {}, error: 'unable to connect to server: Connection refused' };
  assert.throws(() => parseIperf(JSON.stringify(report)), /Connection refused/);
});

test('one stream, towards the server', () => {
  assert.deepEqual(
    iperfArgv('10.0.98.79', 9056, 3).slice(2),
    '-c 10.0.98.79 -p 9056 -t 3'.split(' '),
  );
});
