/** What a fault is: something that really breaks connections in a lab, and what diagnosis must say of it. */
import type { Lab } from '../lab.ts';
import type { LabOptions } from '../options.ts';
import type { Role } from '../topology.ts';

/** Undone when the lab goes; what runs outside of it ends by `stop`. */
export interface Injected {
  readonly stop?: () => Promise<unknown> | void;
}

export interface Fault {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly sentence: string;
  readonly lab: Partial<LabOptions>;
  readonly inject: (lab: Lab) => Promise<Injected | void>;
  /** What is diagnosed; VIP:18056 when absent. */
  readonly target?: string;
  /** Changes the balancer's configuration. */
  readonly config?: (yaml: string) => string;
  /** Words for `fullnat diagnose` that differ from the usual ones. */
  readonly words?: readonly string[];
  /** Who connects; `client` when absent. */
  readonly client?: Role;
  /** Places that are not told to the diagnosis, as when they belong to somebody else. */
  readonly unseen?: readonly Role[];
  readonly expect: Expectation;
}

export type Expectation =
  | { readonly kind: 'healthy' }
  | {
      readonly kind: 'cause';
      /** Any of these is right: some faults show themselves in two ways. */
      readonly codes: readonly string[];
      /** `host`, or `balancer-host` for what is between two. */
      readonly hops: readonly string[];
    };

export function cause(code: string | readonly string[], ...hops: string[]): Expectation {
  return { kind: 'cause', codes: [code].flat(), hops };
}
