import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figureOf } from './accept.ts';

test('p50 and p99 are of all turns together, the spread of their medians', () => {
  const quick = Array.from({ length: 99 }, () => 100_000);
  const figure = figureOf('fullnat', [
    { arrivalNs: [...quick, 900_000], acceptNs: [2_000] },
    { arrivalNs: [50_000, ...quick.map((ns) => ns * 2)], acceptNs: [4_000] },
  ]);
  assert.equal(figure.connections, 2);
  assert.deepEqual(figure.accept, {
    ...{ p50Microseconds: 3, p99Microseconds: 3.98, medianSpread: 2 / 3 },
  });
  assert.equal(figure.arrival.p50Microseconds, 150);
  assert.equal(figure.arrival.p99Microseconds, 200);
});
