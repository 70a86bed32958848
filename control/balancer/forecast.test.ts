/** Trends of ports in use, and what they say about the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Forecast } from './forecast.ts';

const CAPACITY = 1000;
const STEP_MS = 5_000;

const ROWS: readonly [string, readonly number[], number | null][] = [
  ['nothing is known', [], null],
  ['one reading is no trend', [500], null],
  ['two readings are too short a time', [100, 200], null],
  ['use does not grow', [300, 300, 300, 300, 300, 300], null],
  ['use shrinks', [600, 500, 400, 300, 200, 100], null],
  ['twenty more a second, 500 left', [0, 100, 200, 300, 400, 500], 25],
  ['one burst among quiet readings does not frighten', [500, 900, 500, 500, 500, 500], null],
  ['all are in use', [900, 950, 1000, 1000, 1000], 0],
];

for (const [name, readings, wanted] of ROWS)
  test(name, () => {
    assert.equal(after(readings).secondsLeft('a', CAPACITY), wanted);
  });

test('what is older than the window is forgotten', () => {
  assert.equal(
    after([0, 0, 0, 0, ...Array.from({ length: 13 }, (_, i) => 100 + i)]).secondsLeft('a', 1000),
    4440,
  );
});

test('a key that is gone is forgotten', () => {
  const forecast = after([0, 100, 200, 300, 400, 500]);
  forecast.note(new Map(), 6 * STEP_MS);
  assert.equal(forecast.secondsLeft('a', CAPACITY), null);
});

test('steady growth is foretold, whatever its pace', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), (perReading) => {
      const readings = Array.from({ length: 10 }, (_, i) => i * perReading);
      const left = (100_000 - 9 * perReading) / (perReading / (STEP_MS / 1000));
      assert.equal(after(readings).secondsLeft('a', 100_000), Math.round(left));
    }),
  );
});

function after(readings: readonly number[]): Forecast {
  const forecast = new Forecast({ windowMs: 60_000 });
  readings.forEach((inUse, i) => forecast.note(new Map([['a', inUse]]), i * STEP_MS));
  return forecast;
}
