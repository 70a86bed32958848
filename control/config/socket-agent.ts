/** The agent's configuration in socket mode, where nothing is rewritten and so little is to be said. */
import type { z } from 'zod';
import type { AddressRange } from '../../packet/address-range.ts';
import type { Endpoint } from '../../packet/address.ts';
import { list, object, oneOf } from './shape.ts';
import { absolutePath, hostEndpoint, hostRange, instanceName } from './values.ts';

export interface SocketAgentConfig {
  readonly role: 'agent';
  readonly mode: 'socket';
  readonly instance: string;
  /** Whose programs are told: a directory of the v2 hierarchy; absent: its root, everybody. */
  readonly cgroup?: string;
  /** Whose TOA is believed. */
  readonly trustedLocals: readonly AddressRange[];
  /** Only connections to these addresses; none: to any. */
  readonly servers: readonly { readonly address: Endpoint }[];
}

export const socketAgentSchema = object({
  instance: instanceName().default('default'),
  mode: oneOf(['socket']),
  cgroup: absolutePath().optional(),
  trustedLocals: list(hostRange()).default([]),
  servers: list(object({ address: hostEndpoint() })).default([]),
});

export function completeSocketAgent(given: z.output<typeof socketAgentSchema>): SocketAgentConfig {
  const { instance, cgroup, trustedLocals, servers } = given;
  return {
    role: 'agent',
    mode: 'socket',
    instance,
    ...(cgroup === undefined ? {} : { cgroup }),
    trustedLocals,
    servers,
  };
}
