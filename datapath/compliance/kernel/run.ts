/** One test-run of a program, its verdict and notes read from the counters that it moved. */
import assert from 'node:assert/strict';
import type { ProgramRef } from '../../binding/kernel-object.ts';
import type { CommonMaps } from '../../binding/object-maps.ts';
import { testRun } from '../../binding/test-run.ts';
import {
  NOTE,
  NOTE_COUNT,
  VERDICT,
  VERDICT_COUNT,
  type Note,
  type Verdict,
} from '../../binding/verdicts.ts';
import type { Action, Outcome } from '../../model/index.ts';

const ACTIONS: Readonly<Record<number, Action>> = { [-1]: 'pass', 2: 'drop', 7: 'redirect' };
const VERDICTS = namesOf<Verdict>(VERDICT);
const NOTES = namesOf<Note>(NOTE);
const UNTOUCHED = 0xa5;

/** `ifindex` is where the frame came in. */
export function runOn(
  program: ProgramRef,
  { verdicts, notes }: CommonMaps,
  frame: Uint8Array,
  ifindex: number,
): Outcome {
  const [verdictsBefore, notesBefore] = [verdicts.sums(VERDICT_COUNT), notes.sums(NOTE_COUNT)];
  const { returnValue, packet, output } = testRun(program, {
    packet: frame,
    skb: { ifindex, ingressIfindex: ifindex },
  });
  const beyond = output.subarray(packet.length);
  assert.ok(
    beyond.every((byte) => byte === UNTOUCHED),
    'bytes behind the packet were written',
  );
  const reached = moved(verdictsBefore, verdicts.sums(VERDICT_COUNT));
  assert.equal(reached.length, 1, `one verdict a packet, got ${reached.length}`);
  const [verdict, action] = [VERDICTS.get(reached[0] ?? -1), ACTIONS[returnValue]];
  if (verdict === undefined) throw new RangeError(`verdict ${reached[0]} has no name`);
  if (action === undefined) throw new RangeError(`tc action ${returnValue} is not expected`);
  return {
    verdict,
    action,
    frame: Uint8Array.from(packet),
    notes: moved(notesBefore, notes.sums(NOTE_COUNT)).flatMap((note) => NOTES.get(note) ?? []),
  };
}

/** Indices of counters that went up, as often as they did. */
function moved(before: readonly number[], after: readonly number[]): number[] {
  return after.flatMap((count, i) => Array.from({ length: count - (before[i] ?? 0) }, () => i));
}

function namesOf<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
): ReadonlyMap<number, Name> {
  return new Map(Object.entries<number>(numbers).map(([name, value]) => [value, name as Name]));
}
