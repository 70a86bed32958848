/** The configuration files of the lab's two daemons, generated from the lab's options. */

import { stringify } from 'yaml';
import { serversCgroup } from './cgroups.ts';
import type { LabOptions } from './options.ts';
import { LIPS_MAX } from './options.ts';
import { LabError } from './process.ts';
import type { ServerRole } from './topology.ts';
import {
  LOCAL_RANGE,
  SERVER_ADDRESSES,
  SERVER_PORT,
  VIRTUAL_ADDRESS,
  VIRTUAL_PORT,
  serversOf,
} from './topology.ts';

export const EXCHANGE_VIRTUAL_PORT = 19056;
export const EXCHANGE_SERVER_PORT = 9056;

export function balancerConfig(options: LabOptions): string {
  const roles = serversOf(options.servers);
  return stringify({
    instance: options.instance,
    interfaces: ['eth0'],
    locals: [{ addresses: localAddresses(options.lips) }],
    listeners: [
      { address: `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`, name: 'web', pool: 'web' },
      ...(options.exchange
        ? [
            {
              address: `${VIRTUAL_ADDRESS}:${EXCHANGE_VIRTUAL_PORT}`,
              name: 'exchange',
              pool: 'exchange',
            },
          ]
        : []),
    ],
    pools: [
      {
        name: 'web',
        // Faster than the defaults: a lab is up, and a stopped server noticed, within a second.
        health: { tcp: {}, interval: '250ms', timeout: '200ms', rise: 1, fall: 3 },
        backends: roles.map((role, index) => ({
          address: `${SERVER_ADDRESSES[role]}:${SERVER_PORT}`,
          name: role,
          weight: options.weights[index] ?? 1,
        })),
      },
      ...(options.exchange
        ? [
            {
              name: 'exchange',
              health: 'off',
              backends: roles.map((role) => ({
                address: `${SERVER_ADDRESSES[role]}:${EXCHANGE_SERVER_PORT}`,
                name: role,
              })),
            },
          ]
        : []),
    ],
  });
}

export function agentConfig(options: LabOptions): string {
  if (options.agentMode === 'socket') return socketAgentConfig(options.instance);
  const roles = serversOf(options.servers);
  const ports = options.exchange ? [SERVER_PORT, EXCHANGE_SERVER_PORT] : [SERVER_PORT];
  return stringify({
    instance: options.instance,
    interfaces: roles.map((role) => ({ name: virtualNic(role), facing: 'server' })),
    trustedLocals: [LOCAL_RANGE],
    onCollision: options.onCollision,
    servers: roles.flatMap((role) =>
      ports.map((port) => ({ address: `${SERVER_ADDRESSES[role]}:${port}` })),
    ),
  });
}

function socketAgentConfig(instance: string): string {
  const cgroup = serversCgroup(instance);
  if (cgroup === undefined)
    throw new LabError(
      'LAB_NOT_PERMITTED',
      'an agent in socket mode needs the v2 cgroup hierarchy, and it is not mounted',
    );
  return stringify({ instance, mode: 'socket', cgroup, trustedLocals: [LOCAL_RANGE] });
}

/** All 16 of the range, or the first few from the report's 10.0.124.161 on. */
export function localAddresses(lips: number): string {
  if (lips === LIPS_MAX) return LOCAL_RANGE;
  return lips === 1 ? '10.0.124.161' : `10.0.124.161-10.0.124.${160 + lips}`;
}

const virtualNic = (role: ServerRole) => (role === 'server1' ? 'vnet1' : 'vnet2');
