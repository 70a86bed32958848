/** The agent, packet mode: puts the client's address back in front of a server, both ways. */
import type { Action, Outcome, Side } from '../data-path.ts';
import { receive, type Received } from '../segment.ts';
import type { Verdict } from '../words.ts';
import { decideFromServer } from './from-server.ts';
import { findServer, isTrusted, type Agent } from './parts.ts';
import { decideToServer } from './to-server.ts';

/** One packet, towards the server or from it. The bridge or the stack sends it on. */
export function restore(agent: Agent, frame: Uint8Array, from: Side): Outcome {
  const received = receive(frame, agent.world.clock.now());
  const verdict = from === 'front' ? toServer(agent, received) : fromServer(agent, received);
  return {
    verdict,
    action: actionOf(verdict),
    frame: received.kind === 'tcp' ? received.segment.frame : frame,
    notes: agent.journal.takeNotes(),
  };
}

function toServer(agent: Agent, received: Received): Verdict {
  return received.kind === 'tcp'
    ? decideToServer(agent, received.segment)
    : decideOdd(agent, received);
}

function fromServer(agent: Agent, received: Received): Verdict {
  return received.kind === 'tcp' ? decideFromServer(agent, received.segment) : 'pass';
}

/**
 * From a trusted local to a server, but not to be translated: dropped by name.
 * Everybody else's odd packets are none of our business.
 */
function decideOdd(agent: Agent, odd: Exclude<Received, { kind: 'tcp' }>): Verdict {
  if (odd.kind === 'not-ipv4') return 'pass';
  if (!findServer(agent, odd.flow) || !isTrusted(agent, odd.flow.from.address)) return 'pass';
  switch (odd.kind) {
    case 'not-tcp':
    case 'later-fragment':
      return 'pass';
    case 'bad-checksum':
      return 'drop-bad-checksum';
    case 'ip-options':
      return 'drop-ip-options';
    case 'first-fragment':
      return 'drop-fragment';
    case 'malformed':
      return 'drop-malformed';
  }
}

function actionOf(verdict: Verdict): Action {
  const goesOn = ['pass', 'kept', 'to-backend', 'to-client'].includes(verdict);
  return goesOn ? 'pass' : 'drop';
}
