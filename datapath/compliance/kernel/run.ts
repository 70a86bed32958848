/** Test-runs of a program; the verdict and notes of each are read from the counters that it moved. */
import assert from 'node:assert/strict';
import { possibleCpus, readValues } from '../../binding/kernel-map.ts';
import type { MapRef, ProgramRef } from '../../binding/kernel-object.ts';
import type { CommonMaps } from '../../binding/object-maps.ts';
import { PacketRunner } from '../../binding/packet-runner.ts';
import { NOTE, VERDICT, type Note, type Verdict } from '../../binding/verdicts.ts';
import type { Action, DataPath, Outcome, Side } from '../../model/index.ts';
import { INTERFACE } from './topology.ts';

/** The programs that see the frames of each side. */
export type Programs = Readonly<Record<Side, ProgramRef>>;

/** The loaded programs as a data path, and at the speed of their test-runs. */
export interface KernelPath<Tables> extends DataPath<Tables> {
  readonly runs: Runs;
  /** What we may send of our own is as much as at the beginning; the model sends without end. */
  refillBudgets(): void;
}

const ACTIONS: Readonly<Record<number, Action>> = { [-1]: 'pass', 2: 'drop', 7: 'redirect' };
/** Numbers are given without gaps: those that have a name are the first ones. */
const VERDICTS = namesOf<Verdict>(VERDICT);
const NOTES = namesOf<Note>(NOTE);

export class Runs {
  readonly #runners: Readonly<Record<Side, PacketRunner>>;
  readonly #verdicts: Counters;
  readonly #notes: Counters;

  constructor(programs: Programs, { verdicts, notes }: CommonMaps) {
    this.#runners = { front: runnerOn(programs, 'front'), back: runnerOn(programs, 'back') };
    this.#verdicts = new Counters(verdicts.ref, VERDICTS.size);
    this.#notes = new Counters(notes.ref, NOTES.size);
  }

  receive(frame: Uint8Array, from: Side): Outcome {
    const { action, frame: left } = this.runUncounted(frame, from);
    const verdicts = this.takeVerdicts();
    const [verdict] = verdicts;
    assert.ok(verdict, 'no verdict was counted that has a name');
    assert.equal(verdicts.length, 1, `one verdict a packet, got ${verdicts.join(', ')}`);
    return { verdict, action, frame: left, notes: this.takeNotes() };
  }

  /** For very many frames; their verdicts are asked for together. */
  runUncounted(frame: Uint8Array, from: Side): Pick<Outcome, 'action' | 'frame'> {
    const { returnValue, output } = this.#runners[from].run(frame);
    const action = ACTIONS[returnValue];
    if (action === undefined) throw new RangeError(`tc action ${returnValue} is not expected`);
    return { action, frame: new Uint8Array(output) };
  }

  /** Since the last time, in the order of their numbers. */
  takeVerdicts(): Verdict[] {
    return this.#verdicts.moved().flatMap((i) => VERDICTS.get(i) ?? []);
  }

  /** What was counted up to now is nobody's. */
  forgetCounts(): void {
    this.#verdicts.moved();
    this.#notes.moved();
  }

  takeNotes(): Note[] {
    return this.#notes.moved().flatMap((i) => NOTES.get(i) ?? []);
  }
}

/** Per-CPU counters, their sums read all at once. */
class Counters {
  readonly #map: MapRef;
  readonly #count: number;
  #last: readonly number[];

  constructor(map: MapRef, count: number) {
    this.#map = map;
    this.#count = count;
    this.#last = this.#read();
  }

  /** Indices of counters that went up since the last call, as often as they did. */
  moved(): number[] {
    const before = this.#last;
    this.#last = this.#read();
    return this.#last.flatMap((count, i) =>
      count === before[i] ? [] : Array.from({ length: count - (before[i] ?? 0) }, () => i),
    );
  }

  /** Counts of a test stay below 2^32: the low halves. */
  #read(): number[] {
    const cpus = possibleCpus();
    const bytes = readValues(this.#map, this.#count);
    return Array.from({ length: this.#count }, (_, index) => {
      let sum = 0;
      for (let cpu = 0; cpu < cpus; cpu++) sum += bytes.readUInt32LE((index * cpus + cpu) * 8);
      return sum;
    });
  }
}

function runnerOn(programs: Programs, side: Side): PacketRunner {
  const ifindex = INTERFACE[side];
  return new PacketRunner(programs[side], { ifindex, ingressIfindex: ifindex });
}

function namesOf<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
): ReadonlyMap<number, Name> {
  return new Map(Object.entries<number>(numbers).map(([name, value]) => [value, name as Name]));
}
