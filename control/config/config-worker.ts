/** Reads a configuration in a thread of its own and hands it over in pieces, none of which takes long to receive. */
import { parentPort, workerData } from 'node:worker_threads';
import type { AddressRange } from '../../packet/address-range.ts';
import type { AgentConfig } from './agent.ts';
import type { BalancerConfig } from './balancer.ts';
import { thisMachine } from './machine.ts';
import { ConfigError } from './problem.ts';
import { agentConfigOf, balancerConfigOf } from './read.ts';
import { RANGES_A_PIECE, POOLS_A_PIECE, type Piece, type Task } from './read-aside.ts';

const { role, text, file } = workerData as Task;
const send = (piece: Piece, transfer: readonly ArrayBuffer[] = []) =>
  parentPort?.postMessage(piece, [...transfer]);

try {
  sendConfig(
    role === 'balancer'
      ? balancerConfigOf(text, file, thisMachine)
      : agentConfigOf(text, file, thisMachine),
  );
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  send({ kind: 'wrong', problems: error.problems });
}

function sendConfig(config: BalancerConfig | AgentConfig): void {
  if (config.role === 'agent') return send({ kind: 'whole', config });
  const { pools, accessLists } = config;
  for (let first = 0; first < pools.length; first += POOLS_A_PIECE)
    send({ kind: 'pools', pools: pools.slice(first, first + POOLS_A_PIECE) });
  accessLists.forEach(({ allow, deny }, list) => {
    sendRanges(list, 'allow', allow);
    sendRanges(list, 'deny', deny);
  });
  const lists = accessLists.map((list) => ({ ...list, allow: [], deny: [] }));
  send({ kind: 'whole', config: { ...config, pools: [], accessLists: lists } });
}

function sendRanges(list: number, to: 'allow' | 'deny', ranges: readonly AddressRange[]): void {
  for (let from = 0; from < ranges.length; from += RANGES_A_PIECE) {
    const some = ranges.slice(from, from + RANGES_A_PIECE);
    const numbers = Float64Array.from(some.flatMap(({ first, last }) => [first, last]));
    send({ kind: 'ranges', list, to, numbers }, [numbers.buffer]);
  }
}
