/** Rates between two readings, and the picture of them on screens of different sizes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN } from '../output/style.ts';
import { bits, frame } from './frame.ts';
import { ratesBetween, type Sample } from './sample.ts';

const backend = (n: number, connections: number) => ({
  ...{ pool: 'web', address: `10.0.98.${n}:8056`, state: n === 80 ? 'down' : 'up', live: 1 },
  ...{ connections, bytesIn: 100 * connections, bytesOut: 0 },
});
const session = (client: string, port: number, bytesIn: number) => ({
  ...{ client: `${client}:${port}`, local: `10.0.124.160:${port}`, state: 'established' },
  ...{ bytesIn, bytesOut: 0 },
});
const BEFORE: Sample = {
  atMs: 1_000,
  listeners: [
    { name: 'web', live: 3, connections: 10, bytesIn: 1_000, bytesOut: 500, refused: 0 },
    { name: 'quiet', live: 0, connections: 4, bytesIn: 0, bytesOut: 0, refused: 0 },
  ],
  backends: [backend(79, 10), backend(80, 0)],
  sessions: [session('10.0.88.100', 1, 50)],
  sessionsTotal: 1,
  drops: [{ packets: 1 }],
  info: { instance: 'lab', sessionCapacity: 100 },
};
const NOW: Sample = {
  ...BEFORE,
  atMs: 3_000,
  listeners: [
    { name: 'web', live: 3, connections: 30, bytesIn: 251_000, bytesOut: 500, refused: 4 },
    // Detached and loaded anew meanwhile: it counts from 0.
    { name: 'quiet', live: 0, connections: 2, bytesIn: 0, bytesOut: 0, refused: 0 },
  ],
  backends: [backend(79, 10), backend(80, 8)],
  sessions: [session('10.0.88.100', 1, 150), session('10.0.88.101', 2, 10)],
  sessionsTotal: 2,
  drops: [{ packets: 5 }],
};

test('rates: what moved by the second, the busiest first', () => {
  const { total, listeners, backends, clients, dropped } = ratesBetween(BEFORE, NOW);
  assert.deepEqual(
    listeners.map(({ name, connections }) => [name, connections]),
    [
      ['web', 10],
      ['quiet', 1],
    ],
  );
  assert.deepEqual([total.connections, total.bytesIn, total.refused, dropped], [11, 125_000, 2, 2]);
  assert.equal(backends[0]?.name, '10.0.98.80:8056');
  assert.deepEqual(
    clients.map(({ name, live, connections, bytesIn }) => [name, live, connections, bytesIn]),
    [
      ['10.0.88.101', 1, 0.5, 5],
      ['10.0.88.100', 1, 0, 50],
    ],
  );
});

test('of one reading nothing has moved', () => {
  const { total, clients } = ratesBetween(BEFORE, BEFORE);
  assert.deepEqual([total.connections, total.bytesIn, clients[0]?.bytesIn], [0, 0, 0]);
});

for (const columns of [80, 120, 200])
  test(`no line is wider than ${columns} columns`, () => {
    const text = frame(NOW, ratesBetween(BEFORE, NOW), { columns, rows: 24 }, PLAIN);
    for (const line of text.split('\n')) assert.ok(line.length <= columns, line);
    assert.match(text, /^fullnat lab · 00:00:03 · 3 live, 2 of 100 sessions \(2\.0 %\)/);
    assert.match(text, /^LISTENER .*\nweb +3 +10\.0 +1\.0 Mbit\/s/m);
    assert.match(text, /10\.0\.98\.80:8056 +down/);
  });

test('more rows than there is room for: how many', () => {
  const listeners = Array.from({ length: 50 }, (_, i) => ({ name: `l${i}`, live: i }));
  const sample = { ...NOW, listeners };
  const text = frame(sample, ratesBetween(sample, sample), { columns: 80, rows: 24 }, PLAIN);
  assert.match(text, /^LISTENER \(5 of 50\)/m);
  assert.ok(text.split('\n').length <= 24);
});

test('links are rated in powers of ten', () => {
  assert.deepEqual([0, 124, 125_000, 124_993, 1e12].map(bits), [
    ...['0 bit/s', '992 bit/s', '1.0 Mbit/s', '999.9 kbit/s', '8.0 Tbit/s'],
  ]);
});
