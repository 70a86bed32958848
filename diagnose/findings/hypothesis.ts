/** What a hypothesis is: a cause of the table of root causes, and how evidence decides it. */
import type { Evidence, Hop } from './evidence.ts';

export interface Hypothesis {
  /** Public: `accept-queue-full`. */
  readonly code: string;
  /** Numbers in docs/reference/causes.md. */
  readonly causes: readonly number[];
  /** What is wrong if it is so, in a few words. */
  readonly title: string;
  readonly remedy: string;
  readonly decide: (evidence: Evidence) => Decision;
}

export type Decision =
  | {
      readonly kind: 'proved';
      readonly hop: Hop;
      /** The numbers that prove it. */
      readonly because: string;
      /** From 0 to 1: which share of what was lost it explains, and how directly. */
      readonly confidence: number;
    }
  /** Something speaks for it, too little to prove it. */
  | { readonly kind: 'suspected'; readonly hop: Hop; readonly because: string }
  | { readonly kind: 'ruled-out'; readonly by: string }
  | { readonly kind: 'not-checked'; readonly why: string };

export function proved(hop: Hop, because: string, confidence: number): Decision {
  return { kind: 'proved', hop, because, confidence };
}

export function suspected(hop: Hop, because: string): Decision {
  return { kind: 'suspected', hop, because };
}

export function ruledOut(by: string): Decision {
  return { kind: 'ruled-out', by };
}

export function notChecked(why: string): Decision {
  return { kind: 'not-checked', why };
}
