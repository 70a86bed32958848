/** A diagnosis fits the terminal it is printed on, and loses no word for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HYPOTHESES } from '../findings/hypotheses.ts';
import { ALL_LOST, evidence } from '../testdata/evidence.ts';
import { verdictOf } from '../verdict.ts';
import { diagnosisText } from './diagnosis-text.ts';
import type { Paint } from './trace-text.ts';

const same = (text: string) => text;
const PLAIN: Paint = { good: same, bad: same, warning: same, quiet: same, strong: same };

const given = evidence({ server: {} }, ALL_LOST);
const judged = HYPOTHESES.map((hypothesis) => ({
  hypothesis,
  decision: hypothesis.decide(given),
}));
const diagnosis = { evidence: given, judged, verdict: verdictOf(given, judged) };
const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

for (const columns of [80, 120, 200])
  test(`in ${columns} columns`, () => {
    const text = diagnosisText(diagnosis, PLAIN, columns);
    const tooLong = text.split('\n').filter((line) => line.length > columns);
    assert.deepEqual(tooLong, []);
    assert.deepEqual(words(text), words(diagnosisText(diagnosis, PLAIN, Infinity)));
  });
