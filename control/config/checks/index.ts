/** All checks, in the order their problems are listed when they stand on one line. */
import type { PacketAgentConfig } from '../agent.ts';
import type { BalancerConfig } from '../balancer.ts';
import type { SocketAgentConfig } from '../socket-agent.ts';
import {
  backendInLocals,
  backendIsListener,
  listenerIsLocal,
  overlappingLocals,
  overlappingTrusted,
  serverIsTrusted,
} from './address-plan.ts';
import {
  accessListInOrder,
  backendLimitsAgree,
  duplicateAccessList,
  perClientLimits,
  prefixFiles,
  unknownAccessList,
} from './admission.ts';
import { checkSource, missingCgroup, missingInterface, shadowedPort } from './against-machine.ts';
import { hashKeys, healthInOrder, healthMosts, openingWithinCapacity, tooMany } from './bounds.ts';
import type { Check } from './check.ts';
import {
  duplicateBackend,
  duplicateInterface,
  duplicateListener,
  duplicatePool,
  duplicateServer,
} from './duplicates.ts';
import { emptyAgentList, emptyBalancerList, emptyPool, emptySocketAgentList } from './empty.ts';
import { loopbackAddress, packetsOnly, proxyProtocolOnly } from './engine.ts';
import { synThreshold } from './syn-protection.ts';
import { timeoutsInOrder } from './timeouts.ts';
import { unknownPool } from './unknown-pool.ts';

export const BALANCER_CHECKS: readonly Check<BalancerConfig>[] = [
  emptyBalancerList,
  duplicateInterface,
  duplicateListener,
  duplicatePool,
  emptyPool,
  duplicateBackend,
  unknownPool,
  duplicateAccessList,
  unknownAccessList,
  accessListInOrder,
  prefixFiles,
  backendLimitsAgree,
  perClientLimits,
  synThreshold,
  loopbackAddress,
  packetsOnly,
  proxyProtocolOnly,
  listenerIsLocal,
  overlappingLocals,
  backendInLocals,
  backendIsListener,
  timeoutsInOrder,
  openingWithinCapacity,
  healthInOrder,
  healthMosts,
  hashKeys,
  tooMany,
  missingInterface,
  shadowedPort,
  checkSource,
];

export const AGENT_CHECKS: readonly Check<PacketAgentConfig>[] = [
  emptyAgentList,
  duplicateInterface,
  duplicateServer,
  overlappingTrusted,
  serverIsTrusted,
  timeoutsInOrder,
  openingWithinCapacity,
  missingInterface,
];

export const SOCKET_AGENT_CHECKS: readonly Check<SocketAgentConfig>[] = [
  emptySocketAgentList,
  duplicateServer,
  overlappingTrusted,
  serverIsTrusted,
  missingCgroup,
];
