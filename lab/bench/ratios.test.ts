import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContenderName } from './contenders.ts';
import type { Sample } from './measures.ts';
import { ratios } from './ratios.ts';
import type { Figure } from './rounds.ts';

const SAMPLE: Sample = {
  ...{ count: 1, perSecond: 1, cpuMicroseconds: 1, synRetransmits: 0, retransmits: 0 },
  ...{ busyShare: 1, othersShare: 0, stealShare: 0, errors: 0 },
};

const figure = (contender: ContenderName, rounds: readonly [number, number][]): Figure => ({
  ...{ measure: 'connections', contender },
  samples: rounds.map(([cpuMicroseconds, perSecond]) => ({
    ...{ ...SAMPLE, cpuMicroseconds, perSecond },
  })),
});

test('what is added is compared within each round: a round in which all was dearer changes nothing', () => {
  const all = ratios([
    figure('direct', [
      [50, 30],
      [150, 10],
      [50, 30],
    ]),
    figure('forward', [
      [70, 20],
      [170, 8],
      [70, 20],
    ]),
    figure('fullnat', [
      [60, 25],
      [160, 10],
      [75, 10],
    ]),
  ]);
  const found = all.find(({ own, peer }) => own === 'fullnat' && peer === 'forward');
  assert.deepEqual(found, {
    ...{ measure: 'connections', own: 'fullnat', peer: 'forward', added: 0.5, rate: 1.25 },
  });
});

test('a peer that was not measured has no ratio', () => {
  const all = ratios([figure('direct', [[50, 30]]), figure('fullnat', [[60, 25]])]);
  for (const { added } of all) assert.equal(added, NaN);
});
