/** What a finding is: a conclusion about one conversation, with its evidence. */
import type { Conversation, Trace } from '../correlate/trace.ts';

export type FindingCode =
  | 'collision'
  | 'collision-possible'
  | 'dropped-by-kernel'
  | 'refused'
  | 'challenge-ack'
  | 'not-the-same-connection'
  | 'ambiguous'
  | 'capture-gap'
  | 'path-not-shown';

export interface Finding {
  readonly code: FindingCode;
  /** One sentence. */
  readonly message: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Looks at one failed conversation among all. */
export type FindingRule = (trace: Trace, conversation: Conversation) => readonly Finding[];
