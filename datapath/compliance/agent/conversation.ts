/** Balanced and direct connections at the host of a server, segment by segment. */
import { nop, toa, type TcpOption } from '../../../packet/index.ts';
import type { Note } from '../../binding/verdicts.ts';
import type { AgentTables } from '../../model/index.ts';
import {
  ACK,
  SERVER_FIN,
  CLIENT_FIN,
  SYN,
  SYN_ACK,
  SYN_OPTIONS,
  type Segment,
} from '../balancer/conversation.ts';
import { CLIENT, direct, fromBalancer, fromServer, restored, toBalancer } from '../network.ts';
import { fromBack, fromFront, rewritten, type Expectation, type Step } from '../row.ts';

export type AgentStep = Step<AgentTables>;

export const BLANKED: readonly TcpOption[] = Array.from({ length: 8 }, () => nop);

/** A SYN from the balancer for `client`. */
export function synFor(client: string, syn: Segment = SYN): Segment {
  return { ...syn, options: [toa(client), ...SYN_OPTIONS] };
}
/** The same without its TOA. */
export const SYN_BLANKED: Segment = { ...SYN, options: [...BLANKED, ...SYN_OPTIONS] };

/** Of a known connection that is not translated. */
export const kept: Expectation = { verdict: 'kept', action: 'pass', notes: [] };

/** The balancer's SYN for the client reaches the server as that client's (or `seen`). */
export function restoredSyn(
  client = CLIENT,
  seen: Partial<Segment> = {},
  ...notes: Note[]
): AgentStep {
  return fromFront(
    fromBalancer(synFor(client)),
    rewritten(
      'to-backend',
      restored({ ...SYN_BLANKED, from: client, ...seen }),
      'toa-stripped',
      ...notes,
    ),
  );
}

/** Any later segment of a restored connection. */
export function restoredUp(segment: Segment, seen: Partial<Segment> = {}): AgentStep {
  return fromFront(
    fromBalancer(segment),
    rewritten('to-backend', restored({ ...segment, ...seen })),
  );
}

/** The server's answer on a restored connection. */
export function restoredDown(segment: Segment, seen: Partial<Segment> = {}): AgentStep {
  return fromBack(fromServer({ ...segment, ...seen }), rewritten('to-client', toBalancer(segment)));
}

/** A direct connection's segments: known, and not touched. */
export function directUp(segment: Segment): AgentStep {
  return fromFront(direct(segment), kept);
}
export function directDown(segment: Segment): AgentStep {
  return fromBack(fromServer(segment), kept);
}

export const RESTORED: readonly AgentStep[] = [
  restoredSyn(),
  restoredDown(SYN_ACK),
  restoredUp(ACK),
];
export const RESTORED_CLOSED: readonly AgentStep[] = [
  ...RESTORED,
  restoredUp(CLIENT_FIN),
  restoredDown(SERVER_FIN),
];
export const DIRECT: readonly AgentStep[] = [directUp(SYN), directDown(SYN_ACK), directUp(ACK)];
export const DIRECT_CLOSED: readonly AgentStep[] = [
  ...DIRECT,
  directUp(CLIENT_FIN),
  directDown(SERVER_FIN),
];
