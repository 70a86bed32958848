/** What the numbers of a session mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CLOSED_BY_BACK, CLOSED_BY_FRONT, SESSION_STATE, TICKS_MODULO } from './contract.ts';
import { closedBy, secondsSince, stateOf, ticksFromSeconds, ticksNow } from './sessions.ts';

test('a word is a state and who has closed', () => {
  const word = SESSION_STATE['time-wait'] | CLOSED_BY_FRONT | CLOSED_BY_BACK;
  assert.equal(stateOf({ word }), 'time-wait');
  assert.deepEqual(closedBy({ word }), { front: true, back: true });
  assert.deepEqual(closedBy({ word: CLOSED_BY_BACK | 1 }), { front: false, back: true });
  assert.throws(() => stateOf({ word: 0x77 }), /RangeError: 119 is no session state/);
});

const AGES: readonly [sentence: string, earlier: number, now: number, seconds: number][] = [
  ['nothing has passed', 5, 5, 0],
  ['954 ticks are a second', 1_000, 1_954, 1.000341504],
  ['across the wrap', TICKS_MODULO - 954, 0, 1.000341504],
  ['written after now was read', 1_001, 1_000, 0],
];
for (const [sentence, earlier, now, seconds] of AGES)
  test(`age: ${sentence}`, () => assert.equal(secondsSince(earlier, now), seconds));

test('an age survives the wrap, wherever it falls', () => {
  const age = fc.integer({ min: 0, max: 35 * 86_400 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: TICKS_MODULO - 1 }), age, (earlier, seconds) => {
      const now = (earlier + ticksFromSeconds(seconds)) % TICKS_MODULO;
      const error = secondsSince(earlier, now) - seconds;
      assert.ok(error >= 0 && error < 0.00105, `${error}`);
    }),
  );
});

test('now is the monotonic clock in ticks', () => {
  assert.equal(ticksNow(2n ** 52n + 3n * 2n ** 20n), 3);
  assert.equal(ticksFromSeconds(900), 858_307);
  assert.ok(ticksNow() >= 0 && ticksNow() < TICKS_MODULO);
});
