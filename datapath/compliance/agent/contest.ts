/** Two connections that want one tuple: the policies, and the segments of who comes second. */
import type { CollisionPolicy } from '../../binding/contract.ts';
import type { AgentTables } from '../../model/index.ts';
import { ACK, SYN, SYN_ACK, type Segment } from '../balancer/conversation.ts';
import { CLIENT, direct, fromBalancer, fromServer, LOCAL, toBalancer } from '../network.ts';
import { fromBack, fromFront, rewritten } from '../row.ts';
import { SERVER } from '../tables.ts';
import {
  restoredDown,
  restoredSyn,
  restoredUp,
  SYN_BLANKED,
  synFor,
  type AgentStep,
} from './conversation.ts';

/** The only port of the remap range, so that rows know it. */
export const MAPPED = '10.0.88.100:10000';
export const OTHER_LOCAL = '10.0.124.161:5005';

export function policy(onCollision: CollisionPolicy): Partial<AgentTables> {
  return { servers: [{ ...SERVER, onCollision, remap: [10_000, 10_000] }] };
}

/** A direct connection that the server sees as `MAPPED`. */
export const mappedDirect: readonly AgentStep[] = [
  fromFront(
    direct(SYN),
    rewritten('to-backend', direct({ ...SYN, from: MAPPED }), 'collision-remapped'),
  ),
  fromBack(fromServer({ ...SYN_ACK, to: MAPPED }), rewritten('to-client', fromServer(SYN_ACK))),
  fromFront(direct(ACK), rewritten('to-backend', direct({ ...ACK, from: MAPPED }))),
];
/** A balanced one. */
export const mappedRestored: readonly AgentStep[] = [
  restoredSyn(CLIENT, { from: MAPPED }, 'collision-remapped'),
  restoredDown(SYN_ACK, { to: MAPPED }),
  restoredUp(ACK, { from: MAPPED }),
];
export const keptLocal: readonly AgentStep[] = [
  fromFront(
    fromBalancer(synFor(CLIENT)),
    rewritten('kept', fromBalancer(SYN_BLANKED), 'toa-stripped', 'collision-local'),
  ),
];

/** The server's segment to a local that it sees goes back by way of the balancer. */
export const localAnswers = (segment: Segment) =>
  fromBack<AgentTables>(
    fromServer({ ...segment, to: LOCAL }),
    rewritten('kept', toBalancer(segment)),
  );
