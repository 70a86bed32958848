/**
 * The report's case under load: direct and balanced connections of one client side
 * by side, out of a narrow range of ports, to servers that close first.
 *
 * Prediction: a balanced connection meets a direct one when the port its kernel
 * chose is one of those that the agent's table holds for a direct connection to
 * the same server, live or resting:
 *
 *   failures = attempts × mean over time of (direct tuples of a server / ports to choose from)
 *
 * Linux gives connect() only every second port of the range (those with the parity
 * of its lower end) until all of them are taken, so there are half as many ports to
 * choose from as the range has; which it is, is read from the table too.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { openInstance } from '../datapath/binding/object.ts';
import { agentMaps, type AgentMaps } from '../datapath/binding/object-maps.ts';
import { sessionsIn } from '../control/daemon/slots.ts';
import { formatIpv4Address } from '../packet/address.ts';
import type { Lab } from './lab.ts';
import type { CollisionPolicy } from './options.ts';
import { LabError } from './process.ts';
import { openSideBySide, type SideBySideOptions, type SideBySideResult } from './side-by-side.ts';
import { CLIENT_ADDRESS, serversOf } from './topology.ts';

export type LoadOptions = Omit<SideBySideOptions, 'expect'> & {
  /** What the lab was built with; another one is refused, so that no result is misread. */
  policy: CollisionPolicy;
};

export type LoadResult = SideBySideResult & {
  /** Balanced connections. */
  attempts: number;
  failures: number;
  predicted: number;
  /** Ports that the client's kernel chose from. */
  choices: number;
  /** Direct tuples of a server, live and resting: mean over the time of the load. */
  directTuples: number;
};

const SAMPLE_MS = 250;

/** Runs the load on a lab built with `closeFirst`, in packet mode: the prediction reads its table. */
export async function runLoad(lab: Lab, options: LoadOptions): Promise<LoadResult> {
  const { range, policy } = options;
  if (lab.options.onCollision !== policy) {
    const has = lab.options.onCollision;
    throw new LabError(
      'LAB_NOT_READY',
      `the lab has onCollision ${has}; this load is for ${policy}`,
    );
  }
  const source = openInstance(lab.options.instance, 'agent');
  try {
    const { meanwhile: samples, ...result } = await openSideBySide(
      lab,
      { ...options, expect: 'address' },
      (isOver) => sampled(agentMaps(source), options, isOver),
    );
    const choices = choicesIn(range, samples.at(-1)?.ports ?? new Set());
    const servers = serversOf(lab.options.servers).length;
    const directTuples = mean(samples.map(({ tuples }) => tuples)) / servers;
    const { balanced } = result;
    return {
      ...result,
      attempts: balanced.attempted,
      failures: balanced.failures.length,
      predicted: balanced.attempted * Math.min(1, directTuples / choices),
      choices,
      directTuples,
    };
  } finally {
    source.close();
  }
}

/** Direct connections of the client in the agent's table, and the ports they have. */
type Sample = { tuples: number; ports: Set<number> };

async function sampled(
  maps: AgentMaps,
  { seconds, range }: LoadOptions,
  isOver: () => boolean,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  let end = performance.now() + seconds * 1000;
  while (performance.now() < end && !isOver()) {
    const sample = await directTuples(maps, range);
    // The load begins when its first connection is seen, not when its programs are started.
    if (sample.tuples === 0 && samples.length === 0) end = performance.now() + seconds * 1000;
    else samples.push(sample);
    await sleep(SAMPLE_MS);
  }
  return samples;
}

async function directTuples(maps: AgentMaps, { low, high }: LoadOptions['range']): Promise<Sample> {
  const ports = new Set<number>();
  let tuples = 0;
  for await (const slots of sessionsIn(maps)) {
    for (const { kind, front } of slots) {
      if (kind !== 'direct' || formatIpv4Address(front.sourceAddr) !== CLIENT_ADDRESS) continue;
      // What is left of earlier connections, outside the range, cannot be met.
      if (front.sourcePort < low || front.sourcePort > high) continue;
      tuples += 1;
      ports.add(front.sourcePort);
    }
  }
  return { tuples, ports };
}

function choicesIn({ low, high }: LoadOptions['range'], seen: ReadonlySet<number>): number {
  const all = high - low + 1;
  return [...seen].every((port) => port % 2 === low % 2) ? Math.ceil(all / 2) : all;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}
