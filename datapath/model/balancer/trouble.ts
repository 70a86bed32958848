/**
 * What connections say about their backend before any check does: a RST instead of a
 * SYN+ACK, or a client that has to send its SYN again.
 */
import { isPlainData } from '../states.ts';
import { isOpeningSyn, RST, type Segment } from '../segment.ts';
import type { Balancer, BalancerDirection } from './parts.ts';

/** 250 ms: a SYN is sent again after a second (RFC 6298), or it is a copy. */
const ANSWER_TICKS = 238;

export function noteTrouble(
  { journal }: Balancer,
  segment: Segment,
  direction: BalancerDirection,
): void {
  const { session, side } = direction;
  const { state, backIsn, backend, created } = session;
  if (isPlainData(segment, direction) || state !== 'opening' || backIsn !== 0) return;
  const isRefused = side === 'back' && (segment.flags & RST) !== 0;
  const isAgain =
    side === 'front' && isOpeningSyn(segment) && segment.now - created >= ANSWER_TICKS;
  if (!isRefused && !isAgain) return;
  const { refused, unanswered } = journal.trouble.get(backend) ?? { refused: 0, unanswered: 0 };
  journal.trouble.set(backend, {
    refused: refused + Number(isRefused),
    unanswered: unanswered + Number(isAgain),
  });
}
