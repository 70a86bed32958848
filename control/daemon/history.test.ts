/** The newest so many are kept, in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { History } from './history.ts';

test('like a list of which the end is taken', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(), { maxLength: 100 }),
      (capacity, items) => {
        const history = new History<number>(capacity);
        items.forEach((item, i) => {
          history.add(item);
          assert.deepEqual(history.all(), items.slice(0, i + 1).slice(-capacity));
        });
      },
    ),
  );
});
