/** Every measure through every contender in turn, round after round: what drifts, drifts for all. */

import { ROLES } from '../topology.ts';
import type { Contender, ContenderName } from './contenders.ts';
import { measure, runLoad, type MeasureName, type Sample } from './measures.ts';
import { otherProcesses } from './others.ts';

export type Figure = { measure: MeasureName; contender: ContenderName; samples: Sample[] };

export type RoundOptions = {
  rounds: number;
  seconds: number;
  signal: AbortSignal;
  say: (line: string) => void;
};

const WARM_UP_SECONDS = 1;

export async function runRounds(
  measures: readonly MeasureName[],
  contenders: readonly Contender[],
  options: RoundOptions,
): Promise<Figure[]> {
  const { rounds, seconds, signal, say } = options;
  const others = otherProcesses(
    contenders.flatMap(({ lab }) => ROLES.map((role) => lab.namespace(role))),
  );
  const figures = measures.flatMap((name) =>
    contenders.map((contender) => ({ name, contender, samples: [] as Sample[] })),
  );
  for (const contender of contenders)
    await runLoad('requests', contender, { seconds: WARM_UP_SECONDS, signal });
  for (let round = 1; round <= rounds; round++) {
    for (const { name, contender, samples } of figures) {
      const sample = await measure(name, contender, { seconds, signal, others });
      samples.push(sample);
      say(`round ${round}/${rounds}  ${name}  ${contender.title}: ${briefly(sample)}`);
    }
  }
  return figures.map(({ name, contender, samples }) => ({
    ...{ measure: name, contender: contender.name, samples },
  }));
}

function briefly({ perSecond, cpuMicroseconds, synRetransmits, errors }: Sample): string {
  const trouble =
    synRetransmits + errors > 0 ? `, ${synRetransmits} SYNs again, ${errors} errors` : '';
  return `${perSecond.toFixed(1)}/s, ${cpuMicroseconds.toFixed(1)} µs${trouble}`;
}
