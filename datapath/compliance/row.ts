/** A row of facts: a sentence, what is given, frames in, what comes out, what the tables hold then. */
import assert from 'node:assert/strict';
import {
  internetChecksum,
  parseFrame,
  printFrame,
  toHex,
  verifyChecksums,
} from '../../packet/index.ts';
import type { Action, DataPath, Note, Outcome, Side, State, Verdict } from '../model/index.ts';

export interface Row<Tables> {
  readonly name: string;
  readonly given?: Partial<Tables>;
  readonly steps: readonly Step<Tables>[];
  /** Why the model cannot have this row: it is about the kernel's own faults, not about behaviour. */
  readonly kernelOnly?: string;
  /** Only what is named here is compared. */
  readonly after?: Partial<Wanted<State>>;
}
/** Rows by what they are about. */
export type Families<Tables> = Readonly<Record<string, readonly Row<Tables>[]>>;
export type Step<Tables> =
  | { readonly kind: 'frame'; frame: Uint8Array; from: Side; expect: Expectation }
  | { readonly kind: 'elapse'; seconds: number }
  | { readonly kind: 'carry'; bytes: number; from: Side }
  | { readonly kind: 'seize' }
  | { readonly kind: 'reconfigure'; tables: Partial<Tables> };

export interface Expectation {
  readonly verdict: Verdict;
  readonly action: Action;
  /** Left out: as it came in, for a frame that is not dropped. */
  readonly frame?: Uint8Array;
  readonly notes: readonly Note[];
  /** Sent on with the wrong checksum that it came with. */
  readonly wrongChecksum?: boolean;
}
type Wanted<T> = T extends readonly (infer E)[]
  ? readonly Wanted<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Wanted<T[K]> }
    : T;

/** Ethernet 14, IPv4 20, and 16 into the TCP header. */
const TCP_CHECKSUM_OFFSET = 50;
/** Ethernet 14, IPv4 20, ICMP 8. */
const QUOTE_OFFSET = 42;

/** Runs one row; returns the verdicts it reached. */
export function runRow<Tables>(
  path: DataPath<Tables>,
  defaults: Tables,
  row: Row<Tables>,
): Verdict[] {
  const reached: Verdict[] = [];
  let tables: Tables = { ...defaults, ...row.given };
  path.reset(tables);
  for (const [index, step] of row.steps.entries()) {
    switch (step.kind) {
      case 'frame':
        reached.push(checkFrame(path, step, index));
        break;
      case 'elapse':
        path.elapse(step.seconds);
        break;
      case 'carry':
        path.carry(step.bytes, step.from);
        break;
      case 'seize':
        path.seize();
        break;
      case 'reconfigure':
        tables = { ...tables, ...step.tables };
        path.reconfigure(tables);
        break;
    }
  }
  const state = path.state();
  assert.deepEqual(state.faults, [], 'the tables contradict each other');
  if (row.after) assert.deepEqual(pick(state, row.after), row.after);
  return reached;
}

export function fromFront<T>(frame: Uint8Array, expect: Expectation): Step<T> {
  return { kind: 'frame', frame, from: 'front', expect };
}

export function fromBack<T>(frame: Uint8Array, expect: Expectation): Step<T> {
  return { kind: 'frame', frame, from: 'back', expect };
}

export function elapse<T>(seconds: number): Step<T> {
  return { kind: 'elapse', seconds };
}

/** So much more has come from this side. */
export function carry<T>(bytes: number, from: Side): Step<T> {
  return { kind: 'carry', bytes, from };
}

/** The sweeper has its hand on every session at this moment. */
export function seize<T>(): Step<T> {
  return { kind: 'seize' };
}

export function reconfigure<T>(tables: Partial<T>): Step<T> {
  return { kind: 'reconfigure', tables };
}

/** Left alone, byte for byte. */
export const passed: Expectation = { verdict: 'pass', action: 'pass', notes: [] };

export function dropped(verdict: Verdict, ...notes: Note[]): Expectation {
  return { verdict, action: 'drop', notes };
}

/** Sent by the balancer itself, out of the interface that its route says. */
export function sent(verdict: Verdict, frame: Uint8Array, ...notes: Note[]): Expectation {
  return { verdict, action: 'redirect', frame, notes };
}

/** Rewritten in place by the agent; whatever carries frames there goes on with it. */
export function rewritten(verdict: Verdict, frame: Uint8Array, ...notes: Note[]): Expectation {
  return { verdict, action: 'pass', frame, notes };
}

/** The same, and the wrong TCP checksum it came with is still as wrong: repairing it would hide damage. */
export function stillWrong(expectation: Expectation): Expectation {
  return { ...expectation, wrongChecksum: true };
}

type FrameStep = Extract<Step<never>, { kind: 'frame' }>;

function checkFrame<T>(path: DataPath<T>, step: FrameStep, index: number): Verdict {
  const outcome = path.receive(step.frame, step.from);
  const story = `step ${index + 1}, from the ${step.from}: ${printFrame(step.frame)}`;
  const { verdict, action, notes } = step.expect;
  assert.deepEqual(
    { verdict: outcome.verdict, action: outcome.action, notes: outcome.notes.toSorted() },
    { verdict, action, notes: notes.toSorted() },
    `${story}\nleft as ${printFrame(outcome.frame)}`,
  );
  if (action !== 'drop') checkBytes(step, outcome, story);
  return outcome.verdict;
}

function checkBytes({ frame, expect }: FrameStep, outcome: Outcome, story: string): void {
  const wanted = Uint8Array.from(expect.frame ?? frame);
  if (expect.wrongChecksum) {
    const [at, end] = [TCP_CHECKSUM_OFFSET, TCP_CHECKSUM_OFFSET + 2];
    wanted.set(outcome.frame.subarray(at, end), at);
  }
  if (toHex(outcome.frame) !== toHex(wanted))
    assert.fail(
      `${story}\nis        ${printFrame(outcome.frame)}\nshould be ${printFrame(wanted)}\n` +
        `is        ${toHex(outcome.frame)}\nshould be ${toHex(wanted)}`,
    );
  if (expect.frame !== undefined)
    checkSound(outcome.frame, story, expect.wrongChecksum ? 'bad' : 'good');
}

/** Independently of what the row says: lengths agree with each other and checksums are right. */
function checkSound(frame: Uint8Array, story: string, transport: 'good' | 'bad'): void {
  const parsed = parseFrame(frame);
  const sums = verifyChecksums(frame);
  assert.ok(
    parsed.ok && (parsed.value.kind === 'tcp' || parsed.value.kind === 'icmp'),
    `${story}\nleft as something unreadable`,
  );
  if (parsed.value.kind === 'icmp' && parsed.value.icmp.kind === 'error')
    assert.equal(quotedHeaderSum(frame), 0, `${story}\nleft with a wrong quoted IPv4 checksum`);
  assert.ok(sums.ok && sums.value.ipv4 === 'good', `${story}\nleft with a wrong IPv4 checksum`);
  assert.equal(sums.value.transport, transport, `${story}\nleft with another TCP checksum`);
}

/** Zero for an ICMP error whose quoted IPv4 header has its right checksum. */
function quotedHeaderSum(frame: Uint8Array): number {
  const headerBytes = ((frame[QUOTE_OFFSET] ?? 0) & 15) * 4;
  return internetChecksum(frame.subarray(QUOTE_OFFSET, QUOTE_OFFSET + headerBytes));
}

/** The parts of `whole` that `wanted` names. */
function pick(whole: unknown, wanted: unknown): unknown {
  if (typeof whole !== 'object' || typeof wanted !== 'object' || !whole || !wanted) return whole;
  const part = (key: string) => pick(Reflect.get(whole, key), Reflect.get(wanted, key));
  return Array.isArray(whole)
    ? Object.keys(whole).map(part)
    : Object.fromEntries(Object.keys(wanted).map((key) => [key, part(key)]));
}
