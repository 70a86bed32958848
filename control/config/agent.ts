/** The agent's configuration in packet mode: its schema, and the plain value the daemon works from. */
import type { z } from 'zod';
import type { AddressRange, PortRange } from '../../packet/address-range.ts';
import type { Endpoint } from '../../packet/address.ts';
import { apiSchema, type ApiConfig } from './api.ts';
import {
  AGENT_ESTABLISHED_MS,
  completeSessions,
  completeTimeouts,
  PROFILES,
  sessionsSchema,
  TIMEOUTS,
  timeoutsSchema,
  type Profile,
  type SessionLimits,
  type Timeouts,
} from './common.ts';
import { list, object, oneOf } from './shape.ts';
import type { SocketAgentConfig } from './socket-agent.ts';
import { hostEndpoint, hostRange, instanceName, interfaceName, portRange } from './values.ts';

/** By `mode`: rewrite packets on an interface, or tell programs in a cgroup who their client is. */
export type AgentConfig = PacketAgentConfig | SocketAgentConfig;

export interface PacketAgentConfig {
  readonly role: 'agent';
  readonly mode: 'packet';
  readonly instance: string;
  readonly api?: ApiConfig | undefined;
  readonly interfaces: readonly AgentInterface[];
  readonly profile: Profile;
  readonly timeouts: Timeouts;
  readonly sessions: SessionLimits;
  /** Whose TOA is believed; `rangeCidrs` makes prefixes of them. */
  readonly trustedLocals: readonly AddressRange[];
  readonly servers: readonly ServerConfig[];
}

export interface AgentInterface {
  readonly name: string;
  /** server: the server is behind it (tap, veth), egress leads to it. network: the server's own NIC, ingress does. */
  readonly facing: 'server' | 'network';
}

export interface ServerConfig {
  readonly address: Endpoint;
  readonly onCollision: CollisionPolicy;
  readonly remapPorts: PortRange;
}

export const AGENT_MODES = ['packet', 'socket'] as const;

const POLICIES = ['remap', 'local', 'drop'] as const;
export type CollisionPolicy = (typeof POLICIES)[number];

// Outside Linux's ephemeral range (32768-60999), so that clients seldom come from there.
const REMAP_PORTS_DEFAULT = { low: 10_000, high: 19_999 } as PortRange;

/** Lists may be empty here: that they must not be is a check of its own. */
export const agentSchema = object({
  instance: instanceName().default('default'),
  api: apiSchema.optional(),
  mode: oneOf(AGENT_MODES).default('packet'),
  interfaces: list(object({ name: interfaceName(), facing: oneOf(['server', 'network']) })).default(
    [],
  ),
  profile: oneOf(PROFILES).default('lb'),
  timeouts: timeoutsSchema(),
  sessions: sessionsSchema(),
  trustedLocals: list(hostRange()).default([]),
  servers: list(
    object({
      address: hostEndpoint(),
      onCollision: oneOf(POLICIES).optional(),
      remapPorts: portRange().optional(),
    }),
  ).default([]),
  onCollision: oneOf(POLICIES).default('remap'),
  remapPorts: portRange().default(REMAP_PORTS_DEFAULT),
});

export function completeAgent(given: z.output<typeof agentSchema>): PacketAgentConfig {
  return {
    role: 'agent',
    mode: 'packet',
    instance: given.instance,
    ...(given.api === undefined ? {} : { api: given.api }),
    interfaces: given.interfaces,
    profile: given.profile,
    timeouts: completeTimeouts(given.timeouts, {
      ...TIMEOUTS[given.profile],
      establishedMs: AGENT_ESTABLISHED_MS,
    }),
    sessions: completeSessions(given.sessions),
    trustedLocals: given.trustedLocals,
    servers: given.servers.map(({ address, onCollision, remapPorts }) => ({
      address,
      onCollision: onCollision ?? given.onCollision,
      remapPorts: remapPorts ?? given.remapPorts,
    })),
  };
}
