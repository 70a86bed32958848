/** The agent, packet mode: puts the client's address back in front of a server, both ways. */
import type { Action, Outcome, Side } from '../data-path.ts';
import { readError } from '../icmp.ts';
import { receive, type Received } from '../segment.ts';
import type { Verdict } from '../words.ts';
import { decideError } from './errors.ts';
import { decideFromServer } from './from-server.ts';
import { findServer, isTrusted, type Agent } from './parts.ts';
import { decideToServer } from './to-server.ts';

const GOES_ON: ReadonlySet<Verdict> = new Set([
  'pass',
  'kept',
  'to-backend',
  'to-client',
  'error-to-backend',
  'error-to-client',
]);

/** One packet, towards the server or from it. The bridge or the stack sends it on. */
export function restore(agent: Agent, frame: Uint8Array, from: Side): Outcome {
  const received = receive(frame, agent.world.clock.now());
  const error = received.kind === 'not-tcp' ? readError(frame) : undefined;
  const left = error
    ? { verdict: decideError(agent, error, from), frame: error.frame }
    : {
        verdict: from === 'front' ? toServer(agent, received) : fromServer(agent, received),
        frame: received.kind === 'tcp' ? received.segment.frame : frame,
      };
  return { ...left, action: actionOf(left.verdict), notes: agent.journal.takeNotes() };
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
  return GOES_ON.has(verdict) ? 'pass' : 'drop';
}
