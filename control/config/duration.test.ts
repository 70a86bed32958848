import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDurationMs, parseDurationMs } from './duration.ts';

const rows: readonly { text: string; ms: number | RegExp }[] = [
  { text: '250ms', ms: 250 },
  { text: '900s', ms: 900_000 },
  { text: '1.5s', ms: 1_500 },
  { text: '5m', ms: 300_000 },
  { text: '2h', ms: 7_200_000 },
  { text: '0.1h', ms: 360_000 },
  { text: '900', ms: /no unit; write 900s or 900ms/ },
  { text: '1d', ms: /unknown unit 'd'; allowed are ms, s, m, h/ },
  { text: '1.5ms', ms: /finer than a millisecond/ },
  { text: '-1s', ms: /not a duration like/ },
  { text: '1m30s', ms: /not a duration like/ },
  { text: '', ms: /not a duration like/ },
];

for (const { text, ms } of rows)
  test(`'${text}' is ${String(ms)}`, () => {
    const read = parseDurationMs(text);
    if (ms instanceof RegExp) assert.match(read.ok ? 'read' : read.message, ms);
    else assert.deepEqual(read, { ok: true, value: ms });
  });

test('what is formatted reads as the same', () => {
  fc.assert(
    fc.property(fc.nat(10 ** 9), (ms) => {
      assert.deepEqual(parseDurationMs(formatDurationMs(ms)), { ok: true, value: ms });
    }),
  );
});
