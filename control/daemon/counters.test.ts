/** What `get drops` lists, out of the kernel's counters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTE, VERDICT } from '../../datapath/binding/verdicts.ts';
import { dropRows } from './counters.ts';

function counters(verdicts: Record<number, number>, notes: Record<number, number>) {
  return dropRows({
    verdicts: { sum: (index) => verdicts[index] ?? 0 },
    notes: { sum: (index) => notes[index] ?? 0 },
  }).map(({ verdict, name, packets }) => ({ verdict, name, packets }));
}

test('packets that went their way are not drops', () => {
  assert.deepEqual(counters({ [VERDICT.pass]: 9, [VERDICT['to-backend']]: 9 }, {}), []);
});

test('packets by verdict', () => {
  assert.deepEqual(counters({ [VERDICT['drop-ttl']]: 2 }, { [NOTE['toa-missing']]: 5 }), [
    { verdict: VERDICT['drop-ttl'], name: 'drop-ttl', packets: 2 },
  ]);
});

test('connections whose client the server does not get to know, which is no verdict', () => {
  assert.deepEqual(counters({}, { [NOTE['toa-not-delivered']]: 3 }), [
    { verdict: undefined, name: 'toa-not-delivered', packets: 3 },
  ]);
});
