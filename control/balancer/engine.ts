/** What carries the connections of a balancer: programs in the kernel, or this process. */
import type { Event } from '../../datapath/binding/contract.ts';
import type { BalancerMaps } from '../../datapath/binding/object-maps.ts';
import type { BalancerConfig, EngineKind } from '../config/balancer.ts';
import type { Loaded } from '../daemon/counters.ts';
import type { Rehearse } from '../explain/explain.ts';
import type { Indices } from './indices.ts';

/** It works from its maps alone, which tables and schedules are written to, so all else is the same for both. */
export interface Engine {
  readonly kind: EngineKind;
  readonly maps: BalancerMaps;
  readonly loaded: Loaded;
  /** The configuration as it can have it; what it cannot have at all was refused when it was read. */
  fit(config: BalancerConfig): BalancerConfig;
  /** Rejects when this machine, or what is loaded, cannot have it; changes nothing. */
  check(config: BalancerConfig): Promise<void>;
  /** The maps are as the configuration wants them: lets packets, or connections, in. */
  open(config: BalancerConfig, indices: Indices): Promise<void>;
  /** Sends a frame to the client or the backend of a session; absent where they are sockets of this process. */
  send?(frame: Uint8Array): boolean;
  /** Called all the time: what else has to be looked after. */
  follow(): void;
  /** What would become of a SYN; absent where no program can be asked. */
  readonly rehearse?: Rehearse;
  /** Events since the start, and before, as they come. */
  readEvents(
    onEvent: (event: Event) => void,
    onError: (error: unknown) => void,
    signal: AbortSignal,
  ): void;
  /** Lets go of what it holds; sessions in the kernel go on. */
  close(): Promise<void>;
  /** After `close`: what became of the sessions, said to the log; `detach` takes them away too. */
  sayGoodbye(detach: boolean): Promise<void>;
}
