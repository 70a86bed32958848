/**
 * Sessions that are over because their backend is: the next packet of either end is answered
 * with a RST, whose sequence number is what that packet acknowledges and therefore right.
 */
import { isPlainData } from '../states.ts';
import { RST, type Segment } from '../segment.ts';
import { isLive } from '../session.ts';
import type { Balancer, BalancerDirection } from './parts.ts';

/** Asked once a second of a busy session; a RST goes on, for it tells the other end the same. */
export function isOver(
  { tables }: Balancer,
  segment: Segment,
  direction: BalancerDirection,
): boolean {
  if (isPlainData(segment, direction) || segment.flags & RST) return false;
  return tables.ended.includes(direction.session.backend);
}

/** The session rests as if the other end had sent the RST. */
export function endSession({ now }: Segment, direction: BalancerDirection): 'reset-ended' {
  const { session, side } = direction;
  direction.established = false;
  if (isLive(session) || session.state === 'reset') {
    session.state = 'reset';
    session.resetBy = new Set([...session.resetBy, side === 'front' ? 'back' : 'front']);
    session.seen = now;
    direction.seen = now;
  }
  return 'reset-ended';
}
