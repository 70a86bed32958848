/** The agent's configuration in socket mode, where nothing is rewritten and so little is to be said. */
import type { z } from 'zod';
import type { IpEndpoint, IpRange } from '../../packet/ip.ts';
import { apiSchema, type ApiConfig } from './api.ts';
import { list, object, oneOf } from './shape.ts';
import { absolutePath, instanceName, ipHostEndpoint, ipHostRange } from './values.ts';

export interface SocketAgentConfig {
  readonly role: 'agent';
  readonly mode: 'socket';
  readonly instance: string;
  readonly api?: ApiConfig | undefined;
  /** Whose programs are told: a directory of the v2 hierarchy; absent: its root, everybody. */
  readonly cgroup?: string;
  /** Whose TOA is believed. */
  readonly trustedLocals: readonly IpRange[];
  /** Only connections to these addresses; none: to any. */
  readonly servers: readonly { readonly address: IpEndpoint }[];
}

export const socketAgentSchema = object({
  instance: instanceName().default('default'),
  api: apiSchema.optional(),
  mode: oneOf(['socket']),
  cgroup: absolutePath().optional(),
  trustedLocals: list(ipHostRange()).default([]),
  servers: list(object({ address: ipHostEndpoint() })).default([]),
});

export function completeSocketAgent(given: z.output<typeof socketAgentSchema>): SocketAgentConfig {
  const { instance, api, cgroup, trustedLocals, servers } = given;
  return {
    role: 'agent',
    mode: 'socket',
    instance,
    ...(api === undefined ? {} : { api }),
    ...(cgroup === undefined ? {} : { cgroup }),
    trustedLocals,
    servers,
  };
}
