/** Reads a configuration beside the event loop: 20,000 backends take a second, in which others must be answered. */
import { Worker } from 'node:worker_threads';
import type { AddressRange } from '../../packet/address-range.ts';
import type { Ipv4Address } from '../../packet/address.ts';
import type { AgentConfig } from './agent.ts';
import type { BalancerConfig, PoolConfig } from './balancer.ts';
import { ConfigError, type LocatedProblem } from './problem.ts';

export type Task = {
  readonly role: 'balancer' | 'agent';
  readonly text: string;
  /** As messages call it. */
  readonly file: string;
};

/** The last one is `whole` or `wrong`. */
export type Piece =
  | { readonly kind: 'pools'; readonly pools: readonly PoolConfig[] }
  /** First and last address of each, in turn. */
  | {
      readonly kind: 'ranges';
      readonly list: number;
      readonly to: 'allow' | 'deny';
      readonly numbers: Float64Array;
    }
  | { readonly kind: 'whole'; readonly config: BalancerConfig | AgentConfig }
  | { readonly kind: 'wrong'; readonly problems: readonly LocatedProblem[] };

/** A millisecond each, or two. */
export const POOLS_A_PIECE = 100;
export const RANGES_A_PIECE = 5_000;

const WORKER = new URL('./config-worker.js', import.meta.url);

/** Rejects with ConfigError when it cannot be used. */
export function readAside(task: Task): Promise<BalancerConfig | AgentConfig> {
  const worker = new Worker(WORKER, { workerData: task });
  const pools: PoolConfig[] = [];
  const ranges = new Map<string, AddressRange[]>();
  return new Promise<BalancerConfig | AgentConfig>((resolve, reject) => {
    worker.on('message', (piece: Piece) => {
      switch (piece.kind) {
        case 'pools':
          return void pools.push(...piece.pools);
        case 'ranges':
          return addRanges(listOf(ranges, piece.list, piece.to), piece.numbers);
        case 'whole':
          return resolve(assembled(piece.config, pools, ranges));
        case 'wrong':
          return reject(new ConfigError(piece.problems));
      }
    });
    worker.once('error', reject);
    worker.once('exit', () =>
      reject(new Error('the thread that read the configuration has ended')),
    );
  }).finally(() => void worker.terminate());
}

function assembled(
  config: BalancerConfig | AgentConfig,
  pools: readonly PoolConfig[],
  ranges: Map<string, AddressRange[]>,
): BalancerConfig | AgentConfig {
  if (config.role === 'agent') return config;
  const accessLists = config.accessLists.map((list, i) => ({
    ...list,
    allow: listOf(ranges, i, 'allow'),
    deny: listOf(ranges, i, 'deny'),
  }));
  return { ...config, pools, accessLists };
}

function listOf(ranges: Map<string, AddressRange[]>, list: number, to: string): AddressRange[] {
  const key = `${list} ${to}`;
  const found = ranges.get(key) ?? [];
  ranges.set(key, found);
  return found;
}

function addRanges(list: AddressRange[], numbers: Float64Array): void {
  for (let i = 0; i < numbers.length; i += 2)
    list.push({ first: numbers[i] as Ipv4Address, last: numbers[i + 1] as Ipv4Address });
}
