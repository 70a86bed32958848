/** Probes several targets at the same time; a silence is followed up at once. */
import { setMaxListeners } from 'node:events';
import { formatEndpoint, type Endpoint, type Port } from '../../packet/address.ts';
import { followUp, SWEEP_PORTS, type FollowUp, type FollowUpMeans } from './follow-up.ts';
import { judge, type Judged } from './judge.ts';
import { probe, type Attempt, type ProbeOptions } from './probe.ts';
import { Tally } from './summary.ts';

export type ProbeEvent =
  | { readonly kind: 'attempt'; readonly target: string; readonly attempt: Attempt }
  | {
      readonly kind: 'follow-up';
      readonly target: string;
      readonly timeMs: number;
      readonly result: FollowUp;
      readonly judged: Judged;
    }
  /** Every further attempt would end the same way: the probe ends. */
  | { readonly kind: 'local-error'; readonly code: string };

export interface SideBySideOptions extends Omit<ProbeOptions, 'target'> {
  readonly targets: readonly Endpoint[];
  readonly backends: readonly Endpoint[];
  readonly followsUp: boolean;
}

export interface TargetState {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly tally: Tally;
  readonly followUps: Map<Judged['verdict'], number>;
}

/** A target that is silent throughout would otherwise be sent 70 SYNs every few seconds. */
const FOLLOW_UP_EVERY_MS = 30_000;

export function targetStates(targets: readonly Endpoint[]): readonly TargetState[] {
  return targets.map((endpoint) => ({
    name: formatEndpoint(endpoint),
    endpoint,
    tally: new Tally(),
    followUps: new Map(),
  }));
}

/** Resolves when every target had its attempts, or `signal` was aborted. */
export async function probeSideBySide(
  means: FollowUpMeans,
  options: SideBySideOptions,
  states: readonly TargetState[],
  tell: (event: ProbeEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  // Each attempt of a sweep listens, and so does its wait.
  setMaxListeners(states.length * 2 * (SWEEP_PORTS + 1), either);
  const use = new PortUse(options);
  const each = async (state: TargetState, i: number) => {
    const { targets: _, sourcePorts: __, backends, followsUp, ...common } = options;
    let followedUpMs = -Infinity;
    const own: ProbeOptions = { ...common, target: state.endpoint, ...sourcePortsOf(i, options) };
    for await (const attempt of probe(means, own, either)) {
      state.tally.add(attempt);
      tell({ kind: 'attempt', target: state.name, attempt });
      const { outcome, source } = attempt;
      if (source !== undefined) use.add(source.port, i);
      if (outcome.state === 'error') {
        tell({ kind: 'local-error', code: outcome.code });
        failed.abort();
        return;
      }
      if (!followsUp || outcome.state !== 'filtered' || source === undefined) continue;
      if (means.clock.monotonicMs() - followedUpMs < FOLLOW_UP_EVERY_MS) continue;
      const request = {
        target: state.endpoint,
        backends: backends.filter((backend) => formatEndpoint(backend) !== state.name),
        sourcePort: source.port as Port,
        timeoutMs: options.timeoutMs,
        isFree: (port: number) => !use.isOthers(port, i),
        ...(options.sourceAddress === undefined ? {} : { sourceAddress: options.sourceAddress }),
      };
      const result = await followUp(means, request, either);
      if (result === undefined) return;
      followedUpMs = means.clock.monotonicMs();
      const judged = judge(result);
      state.followUps.set(judged.verdict, (state.followUps.get(judged.verdict) ?? 0) + 1);
      const timeMs = means.clock.now();
      tell({ kind: 'follow-up', target: state.name, timeMs, result, judged });
    }
  };
  try {
    await Promise.all(states.map(each));
  } finally {
    failed.abort();
  }
}

/**
 * Each target has a part of the ports to itself: a port that was used towards two of them within
 * minutes could be a collision of our own making.
 */
export function sourcePortsOf(
  i: number,
  { targets, sourcePorts }: Pick<SideBySideOptions, 'targets' | 'sourcePorts'>,
): Pick<ProbeOptions, 'sourcePorts'> {
  if (sourcePorts === undefined) return {};
  const each = Math.floor((sourcePorts.high - sourcePorts.low + 1) / targets.length);
  const low = sourcePorts.low + i * each;
  return { sourcePorts: { low: low as Port, high: (low + each - 1) as Port } };
}

/** Ports that other targets were tried from, or will be. */
class PortUse {
  readonly #options: SideBySideOptions;
  readonly #users = new Map<number, number>();

  constructor(options: SideBySideOptions) {
    this.#options = options;
  }

  add(port: number, user: number): void {
    this.#users.set(port, user);
  }

  isOthers(port: number, user: number): boolean {
    const known = this.#users.get(port);
    if (known !== undefined && known !== user) return true;
    return this.#options.targets.some((_, i) => {
      const { sourcePorts } = sourcePortsOf(i, this.#options);
      return i !== user && sourcePorts !== undefined && isIn(port, sourcePorts);
    });
  }
}

function isIn(port: number, { low, high }: { readonly low: number; readonly high: number }) {
  return port >= low && port <= high;
}
