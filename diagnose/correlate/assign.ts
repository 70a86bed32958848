/** Pairs earlier with later connections one to one, the surest first, and leaves what is unsure. */
import type { Evidence } from './evidence.ts';

export interface Candidate {
  readonly earlier: number;
  readonly later: number;
  readonly evidence: Evidence;
}

export interface Assigned extends Candidate {
  /** Bits ahead of the next best that either of the two could have had instead. */
  readonly margin: number;
}

export interface Assignment {
  readonly pairs: readonly Assigned[];
  /** Good enough alone, and not told from another: by earlier connection, what it could be. */
  readonly ambiguous: ReadonlyMap<number, readonly Candidate[]>;
}

export interface Demands {
  readonly bits: number;
  readonly identifyingBits: number;
  readonly margin: number;
}

/**
 * Candidates have more than 0 bits each.
 * What a surer pair has taken is no rival any more, so the surest are taken first and the rest is
 * looked at again until nothing changes.
 */
export function assign(candidates: readonly Candidate[], demands: Demands): Assignment {
  const rest = candidates.toSorted((a, b) => b.evidence.bits - a.evidence.bits);
  const byEarlier = groups(rest, ({ earlier }) => earlier);
  const byLater = groups(rest, ({ later }) => later);
  const takenEarlier = new Set<number>();
  const takenLater = new Set<number>();
  const isFree = ({ earlier, later }: Candidate) =>
    !takenEarlier.has(earlier) && !takenLater.has(later);
  const rivalBits = (one: Candidate, list: readonly Candidate[] | undefined) =>
    list?.find((other) => other !== one && isFree(other))?.evidence.bits ?? 0;

  const pairs: Assigned[] = [];
  let wanted = rest.filter(({ evidence }) => isEnough(evidence, demands));
  for (let before = -1; before !== pairs.length;) {
    before = pairs.length;
    for (const one of wanted) {
      if (!isFree(one)) continue;
      const rival = Math.max(
        rivalBits(one, byEarlier.get(one.earlier)),
        rivalBits(one, byLater.get(one.later)),
      );
      const margin = one.evidence.bits - rival;
      if (margin < demands.margin) continue;
      takenEarlier.add(one.earlier);
      takenLater.add(one.later);
      pairs.push({ ...one, margin });
    }
    wanted = wanted.filter(isFree);
  }
  return { pairs, ambiguous: groups(wanted, ({ earlier }) => earlier) };
}

function isEnough({ bits, identifyingBits }: Evidence, demands: Demands): boolean {
  return bits >= demands.bits && identifyingBits >= demands.identifyingBits;
}

function groups<T>(list: readonly T[], keyOf: (one: T) => number): Map<number, T[]> {
  const found = new Map<number, T[]>();
  for (const one of list) {
    const group = found.get(keyOf(one));
    if (group) group.push(one);
    else found.set(keyOf(one), [one]);
  }
  return found;
}
