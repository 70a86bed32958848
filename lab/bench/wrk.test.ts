import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWrk, wrkArgv, type WrkReport } from './wrk.ts';

const HEAD = `Running 3s test @ http://10.0.23.111:18056/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.91ms    1.11ms  21.37ms   88.26%
    Req/Sec     6.55k   430.95     7.31k    70.97%
`;

const rows: { says: string; text: string; report: WrkReport }[] = [
  {
    says: 'a clean run',
    text: `${HEAD}  20188 requests in 3.10s, 3.21MB read\nRequests/sec:   6512.36\n`,
    report: { requests: 20188, seconds: 3.1, errors: 0 },
  },
  {
    says: 'every kind of socket error',
    text: `${HEAD}  9 requests in 1.00m, 1.2KB read\n  Socket errors: connect 1, read 20, write 300, timeout 4000\n`,
    report: { requests: 9, seconds: 60, errors: 4321 },
  },
  {
    says: 'answers that are refusals',
    text: `${HEAD}  5 requests in 500.00ms, 1.2KB read\n  Socket errors: connect 0, read 1, write 0, timeout 0\n  Non-2xx or 3xx responses: 5\n`,
    report: { requests: 5, seconds: 0.5, errors: 6 },
  },
];

for (const { says, text, report } of rows) {
  test(says, () => assert.deepEqual(parseWrk(text), report));
}

test('what is no report is refused', () => {
  assert.throws(() => parseWrk('unable to connect to 10.0.23.111:18056'), /not a report of wrk/);
});

test('new connections are asked for by the header', () => {
  const argv = wrkArgv('http://10.0.98.79:8056/', { seconds: 3, keepAlive: false });
  assert.ok(argv.includes('Connection: close') && argv.includes('-d3s'));
  assert.ok(!wrkArgv('x', { seconds: 3, keepAlive: true }).includes('Connection: close'));
});
