/** All findings about a conversation, the gravest first: a new one is a file and a line here. */
import type { Conversation, Trace } from '../correlate/trace.ts';
import { collision } from './collision.ts';
import type { Finding, FindingRule } from './finding.ts';
import { kernelDrop } from './kernel-drop.ts';
import { behindProxy } from './proxies.ts';
import { ambiguous, captureGap, challengeAck, pathNotShown, refused } from './others.ts';

const RULES: readonly FindingRule[] = [
  collision,
  kernelDrop,
  refused,
  challengeAck,
  behindProxy,
  ambiguous,
  captureGap,
  pathNotShown,
];

export function findingsOf(trace: Trace, conversation: Conversation): readonly Finding[] {
  return RULES.flatMap((rule) => rule(trace, conversation));
}
