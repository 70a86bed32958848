/**
 * ICMP errors about packets that the agent translated. A router between keeps its
 * address; who spoke as the other end of the connection goes on doing so.
 */
import type { Side } from '../data-path.ts';
import { reversed } from '../flow.ts';
import { judge, originalSequence, undo, type IcmpError } from '../icmp.ts';
import type { Verdict } from '../words.ts';
import { followLink } from './link.ts';
import type { Agent, AgentDirection } from './parts.ts';

export function decideError({ sessions }: Agent, error: IcmpError, from: Side): Verdict {
  const answer = sessions.find(reversed(error.quoted));
  const { quoted } = error;
  if (!answer || answer.side !== from || quoted.from.address !== error.to) return 'pass';
  if (answer.released) return 'drop-stale';
  if (answer.identity) {
    if (from === 'back') followLink(error, answer);
    return 'kept';
  }
  const { session, side } = answer;
  if (session.state === 'dead') return 'drop-race';
  const sent = sessions.find(side === 'back' ? session.front : session.back);
  return judge(error, sent) ?? passOn(error, answer);
}

function passOn(error: IcmpError, answer: AgentDirection): Verdict {
  const { leaves, side } = answer;
  const isFromPeer = error.from === error.quoted.to.address;
  if (side === 'back') followLink(error, answer);
  undo(error, {
    from: isFromPeer ? leaves.from.address : error.from,
    to: leaves.to.address,
    quoted: reversed(leaves),
    sequence: originalSequence(error, answer),
    mtuLessBytes: 0,
    ttlLess: 0,
  });
  return side === 'back' ? 'error-to-client' : 'error-to-backend';
}
