/**
 * ICMP errors about packets that the balancer translated, sent on to who sent the packet:
 * from the listener to the client, from the local to the backend.
 */
import { TOA4_BYTES } from '../../../packet/index.ts';
import type { Side } from '../data-path.ts';
import { reversed } from '../flow.ts';
import { judge, mtuLess, originalSequence, undo, type IcmpError } from '../icmp.ts';

import type { Verdict } from '../words.ts';
import type { Balancer, BalancerDirection } from './parts.ts';
import { addressTo, isTooBig } from './translate.ts';

export function decideError(balancer: Balancer, error: IcmpError, from: Side): Verdict {
  const answer = balancer.sessions.find(reversed(error.quoted));
  // Errors go to who sent what they quote.
  if (!answer || error.quoted.from.address !== error.to)
    return balancer.localAddresses.has(error.to) ? 'drop-no-session' : 'pass';
  if (error.ttl <= 1) return 'drop-ttl';
  if (answer.session.state === 'dead') return 'drop-race';
  const { session, side } = answer;
  const sent = balancer.sessions.find(side === 'back' ? session.front : session.back);
  return judge(error, sent) ?? forwardError(balancer, error, answer, sent, from);
}

/** An error is never answered with an error (RFC 1122 section 3.2.2). */
function forwardError(
  { world }: Balancer,
  error: IcmpError,
  answer: BalancerDirection,
  sent: BalancerDirection | undefined,
  from: Side,
): Verdict {
  const { leaves, side } = answer;
  const route = world.network.route(leaves.to.address, from);
  if (route.kind === 'none') return 'drop-no-route';
  if (isTooBig(error, route)) return 'drop-too-big';
  // Where segments after the SYN may get a TOA, they have to fit with it.
  const growsLater = side === 'back' && (sent?.toa === 'handshake' || sent?.toaDue === true);
  undo(error, {
    from: leaves.from.address,
    to: leaves.to.address,
    quoted: reversed(leaves),
    sequence: originalSequence(error, answer),
    mtuLessBytes: growsLater ? mtuLess(error, TOA4_BYTES) : 0,
    ttlLess: 1,
  });
  addressTo(error, route);
  return side === 'back' ? 'error-to-client' : 'error-to-backend';
}
