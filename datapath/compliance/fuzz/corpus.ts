/**
 * The corpus: mutated frames, one for each way in which a frame can leave that was seen.
 *
 * A text file for each role, a line a frame: side, bytes, how it leaves; after what
 * `ground.opening` says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fromHex, toHex } from '../../../packet/index.ts';
import type { Outcome, Side } from '../../model/index.ts';
import { compare } from '../differential/compare.ts';
import { actOf, type Ground, type Role, type Sent } from './ground.ts';

export interface CorpusFrame extends Sent {
  /** Verdict and notes. */
  readonly leaves: string;
}

/** Longer ones tell nothing more, and are to be read by people. */
const FRAME_MAX_BYTES = 110;
/** The checkout: this file is in dist/datapath/compliance/fuzz. */
const SOURCE = new URL('../../../../datapath/compliance/fuzz/corpus/', import.meta.url);
const FLAGS_AT = 47;
/** FIN, SYN, RST, ACK. */
const FLAGS_SHOWN = 0x17;
const OFFSET_AT = 46;

/** The corpus of one role while it grows. */
export class Corpus<Tables> {
  readonly #ground: Ground<Tables>;
  readonly #known = new Map<string, CorpusFrame>();
  readonly #seen = new Set<string>();
  #fresh: Sent[] = [];
  #hasGrown = false;

  constructor(ground: Ground<Tables>) {
    this.#ground = ground;
    for (const one of readCorpus(ground.role)) this.#known.set(signatureOf(one, one.leaves), one);
  }

  /** Says of each frame how it leaves now: after a change of behaviour that is meant. */
  async refresh(): Promise<void> {
    const before = [...this.#known.values()];
    this.#known.clear();
    for (const one of before) {
      const leaves = await leavesAlone(this.#ground, one);
      if (leaves !== one.leaves) this.#hasGrown = true;
      this.#known.set(signatureOf(one, leaves), { ...one, leaves });
    }
  }

  /** A frame that came after others, and left like this. */
  see(sent: Sent, outcome: Outcome): void {
    const signature = signatureOf(sent, leavesAs(outcome));
    if (sent.frame.length > FRAME_MAX_BYTES || this.#seen.has(signature)) return;
    this.#seen.add(signature);
    this.#fresh.push(sent);
  }

  /** Takes in what teaches something by itself, too. */
  async grow(): Promise<void> {
    for (const sent of this.#fresh) {
      const leaves = await leavesAlone(this.#ground, sent);
      const signature = signatureOf(sent, leaves);
      if (this.#known.has(signature)) continue;
      this.#known.set(signature, { ...sent, leaves });
      this.#hasGrown = true;
    }
    this.#fresh = [];
  }

  write(): void {
    if (this.#hasGrown) writeCorpus(this.#ground.role, [...this.#known.values()]);
  }
}

/** How a frame leaves after the opening and nothing else; throws when programs and model differ. */
export async function leavesAlone<Tables>(
  { compared, opening }: Ground<Tables>,
  sent: Sent,
): Promise<string> {
  const conversation = { ...opening, acts: [...opening.acts, actOf<Tables>(sent)] };
  const { difference, happenings } = await compare(compared, conversation);
  const last = happenings.at(-1);
  if (difference !== undefined || last?.kind !== 'frame')
    throw new Error(`programs and model differ about ${toHex(sent.frame)}: ${difference ?? ''}`);
  return leavesAs(last.model);
}

export function readCorpus(role: Role): CorpusFrame[] {
  return readFileSync(pathOf(role), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [from = '', bytes = '', ...leaves] = line.split(' ');
      if (from !== 'front' && from !== 'back')
        throw new RangeError(`${pathOf(role)}: a line begins with front or back, not '${from}'`);
      return { from: from satisfies Side, frame: fromHex(bytes), leaves: leaves.join(' ') };
    });
}

function writeCorpus(role: Role, frames: readonly CorpusFrame[]): void {
  const lines = frames.map(({ from, frame, leaves }) => `${from} ${toHex(frame)} ${leaves}`);
  writeFileSync(pathOf(role), `${lines.toSorted().join('\n')}\n`);
}

function leavesAs({ verdict, notes }: Outcome): string {
  return [verdict, ...notes.toSorted()].join(', ');
}

/** Frames with the same one teach the same. */
function signatureOf({ from, frame }: Sent, leaves: string): string {
  if (leaves === 'pass' || leaves.startsWith('drop-')) return [from, leaves].join();
  const flags = (frame[FLAGS_AT] ?? 0) & FLAGS_SHOWN;
  const hasOptions = (frame[OFFSET_AT] ?? 0) >>> 4 > 5;
  return [from, leaves, flags, hasOptions].join();
}

function pathOf(role: Role): string {
  return fileURLToPath(new URL(`${role}.txt`, SOURCE));
}
