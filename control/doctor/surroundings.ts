/** Everything that the doctor looks at and asks; a test has a machine of its own. */
import type { Endpoint } from '../../packet/address.ts';
import type { IpAddress, IpEndpoint } from '../../packet/ip.ts';
import type { BaseInfoRow } from '../api/rows.ts';
import type { AgentConfig } from '../config/agent.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import type { Machine } from '../config/machine.ts';
import type { CheckResult } from '../health/state.ts';
import type { Seen, Told } from './finding.ts';

export const KERNEL_OBJECTS = ['balancer', 'agent', 'socket'] as const;
/** `agent` is the agent's packet mode, `socket` its socket mode. */
export type KernelObject = (typeof KERNEL_OBJECTS)[number];

export type Loaded =
  | { readonly kind: 'loaded'; readonly programs: number; readonly milliseconds: number }
  | { readonly kind: 'not-permitted' }
  | { readonly kind: 'refused'; readonly message: string };

/** What listens in one network namespace, and under which addresses. */
export type NamespaceView = {
  /** A path that leads into it; undefined for our own. */
  readonly path: string | undefined;
  readonly addresses: readonly IpAddress[];
  readonly listening: readonly IpEndpoint[];
};

export type Surroundings = {
  readonly machine: Machine;
  readonly kernelRelease: string;
  readonly read: (path: string) => Seen<string>;
  /** What a program says when it ends well. */
  readonly run: (argv: readonly string[]) => Promise<Seen<string>>;
  /** Loads a kernel object with maps of its own, and lets go of it. */
  readonly load: (object: KernelObject) => Promise<Loaded>;
  readonly isBpffsMounted: () => boolean;
  readonly connect: (to: Endpoint) => Promise<CheckResult>;
  /** What the running daemon says of itself; undefined when none runs. */
  readonly ask: (
    instance: string,
    role: 'balancer' | 'agent',
  ) => Promise<Seen<BaseInfoRow | undefined>>;
  /** Is this process in our network namespace? */
  readonly isHere: (pid: number) => boolean;
  /** Of this machine's network namespaces; without root, not of all. */
  readonly namespaces: () => {
    readonly views: readonly NamespaceView[];
    readonly isWhole: boolean;
  };
};

/** For whom the machine is looked at. */
export type Patient = {
  /** For what has no configuration of its own. */
  readonly instance: string;
  /** Of the program that asks. */
  readonly version: string;
  readonly balancer?: BalancerConfig;
  readonly agent?: AgentConfig;
};

export type DoctorCheck = {
  readonly name: string;
  readonly look: (around: Surroundings, patient: Patient) => Promise<readonly Told[]>;
};
