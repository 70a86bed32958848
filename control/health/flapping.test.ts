/** Falls, second by second, and how long each is held. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CALM, fallen, isHeld } from './flapping.ts';

const limits = { falls: 3, withinMs: 60_000, holdMs: 30_000, mostMs: 100_000 };

const rows: {
  name: string;
  fallsS: readonly number[];
  heldS: readonly number[];
  falls?: number;
}[] = [
  { name: 'one fall', fallsS: [1], heldS: [0] },
  { name: 'as many as are too many', fallsS: [1, 20, 40], heldS: [0, 0, 30] },
  { name: 'not within the time', fallsS: [1, 31, 61, 91], heldS: [0, 0, 0, 0] },
  { name: 'soon after a hold: twice', fallsS: [1, 2, 3, 34, 95], heldS: [0, 0, 30, 60, 100] },
  { name: 'a while after a hold: forgiven', fallsS: [1, 2, 3, 93, 94], heldS: [0, 0, 30, 0, 0] },
  {
    name: 'never, when zero falls are too many',
    fallsS: [1, 2, 3, 4],
    heldS: [0, 0, 0, 0],
    falls: 0,
  },
];

for (const { name, fallsS, heldS, falls = limits.falls } of rows)
  test(name, () => {
    let flaps = CALM;
    const held = fallsS.map((atS) => {
      flaps = fallen(flaps, { ...limits, falls }, atS * 1_000);
      return Math.max(0, flaps.heldUntilMs / 1_000 - atS);
    });
    assert.deepEqual(held, heldS);
  });

test('it is never free to fall more often than allowed, nor held for longer than the most', () => {
  const anyFalls = fc.array(fc.integer({ min: 1, max: 120_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(anyFalls, (pausesMs) => {
      let flaps = CALM;
      let nowMs = 0;
      const fallsMs: number[] = [];
      for (const pause of pausesMs) {
        nowMs = Math.max(nowMs, flaps.heldUntilMs) + pause;
        fallsMs.push(nowMs);
        flaps = fallen(flaps, limits, nowMs);
        const lately = fallsMs.filter((atMs) => nowMs - atMs < limits.withinMs).length;
        if (lately >= limits.falls) assert.ok(isHeld(flaps, nowMs));
        assert.ok(flaps.heldUntilMs - nowMs <= limits.mostMs);
        assert.ok(flaps.fallsMs.length <= lately, 'what is remembered is bounded');
      }
    }),
  );
});
