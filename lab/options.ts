/** What a lab is built from; equal options make equal labs. */

import { isDeepStrictEqual } from 'node:util';
import type { ServerCount } from './topology.ts';
import { DEFAULT_INSTANCE, DEFAULT_MTU_BYTES, checkInstance } from './topology.ts';

export type CollisionPolicy = 'remap' | 'local' | 'drop';

export type AgentMode = 'packet' | 'socket';

export type LabOptions = {
  instance: string;
  servers: ServerCount;
  /** Locals the balancer has, out of 10.0.124.160/28. */
  lips: number;
  mtuBytes: number;
  onCollision: CollisionPolicy;
  /** How the servers get to know their clients. */
  agentMode: AgentMode;
  /** Start balancer and agent. */
  daemons: boolean;
  /** The servers end each connection after one answer, so TIME_WAIT is theirs. */
  closeFirst: boolean;
  /** Also balance VIP:19056 to port 9056 of the servers, where `lab/tools/server.ts` listens. */
  exchange: boolean;
  /** Weights of the backends of the pool `web`. */
  weights: readonly number[];
  /** A balancer configuration to use instead of the generated one. */
  config?: string;
};

export const LIPS_MAX = 16;

const DEFAULTS: LabOptions = {
  instance: DEFAULT_INSTANCE,
  servers: 2,
  lips: LIPS_MAX,
  mtuBytes: DEFAULT_MTU_BYTES,
  onCollision: 'remap',
  agentMode: 'packet',
  daemons: true,
  closeFirst: false,
  exchange: false,
  weights: [1, 1],
};

export function labOptions(chosen: Partial<LabOptions> = {}): LabOptions {
  const options = { ...DEFAULTS, ...chosen };
  checkInstance(options.instance);
  if (!Number.isInteger(options.lips) || options.lips < 1 || options.lips > LIPS_MAX) {
    throw new RangeError(`lips must be an integer in 1..${LIPS_MAX}, got ${options.lips}`);
  }
  // 68 is the smallest MTU that IPv4 allows (RFC 791), 65535 the largest veth takes.
  const { mtuBytes } = options;
  if (!Number.isInteger(mtuBytes) || mtuBytes < 68 || mtuBytes > 65535) {
    throw new RangeError(`mtu must be an integer in 68..65535, got ${mtuBytes}`);
  }
  return options;
}

/** The names of the options in which two labs differ. */
export function differences(a: LabOptions, b: LabOptions): (keyof LabOptions)[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof LabOptions>;
  return [...keys].filter((key) => !isDeepStrictEqual(a[key], b[key]));
}
