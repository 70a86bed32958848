/** One verdict out of many decisions: the cause that is proved best, where the captures agree. */
import { failuresOf, type Evidence, type Hop } from './findings/evidence.ts';
import type { Decision, Hypothesis } from './findings/hypothesis.ts';

export interface Judged {
  readonly hypothesis: Hypothesis;
  readonly decision: Decision;
}

export type Verdict =
  | { readonly kind: 'healthy' }
  | {
      readonly kind: 'cause';
      readonly hypothesis: Hypothesis;
      readonly hop: Hop;
      readonly because: string;
      readonly confidence: number;
    }
  /** It fails, and nothing that was looked at explains it. */
  | { readonly kind: 'unexplained'; readonly hop: Hop };

/** A cause elsewhere than where the captures saw the packet end is hardly the cause. */
const ELSEWHERE = 0.5;

export function verdictOf(evidence: Evidence, judged: readonly Judged[]): Verdict {
  const located = evidence.capture?.location?.hop;
  const [best] = judged
    .flatMap(({ hypothesis, decision }) => {
      if (decision.kind !== 'proved') return [];
      const { because, confidence } = decision;
      const hop = decision.hop.kind === 'unknown' && located ? located : decision.hop;
      const weighed = confidence * (agrees(hop, located) ? 1 : ELSEWHERE);
      return [{ kind: 'cause' as const, hypothesis, hop, because, confidence: weighed }];
    })
    .toSorted((a, b) => b.confidence - a.confidence);
  if (best !== undefined) return best;
  if (failuresOf(evidence) === 0) return { kind: 'healthy' };
  return { kind: 'unexplained', hop: located ?? { kind: 'unknown' } };
}

/** A machine and a link at its end may show the same: taps see what its drivers and queues drop. */
function agrees(hop: Hop, located: Hop | undefined): boolean {
  if (located === undefined) return true;
  const places = placesOf(located);
  return places.length === 0 || placesOf(hop).some((place) => places.includes(place));
}

function placesOf(hop: Hop): readonly string[] {
  switch (hop.kind) {
    case 'inside':
      return [hop.place];
    case 'between':
      return [hop.from, hop.to];
    case 'unknown':
      return [];
  }
}
