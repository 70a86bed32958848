/** What a soak found, as tables with a verdict. */

import { figure, table } from '../bench/table.ts';
import type { HoldResult } from '../tools/hold.ts';
import type { Sample } from './leaks.ts';
import { isClean, type Round } from './rounds.ts';

export type SoakResult = {
  minutes: number;
  perSecond: number;
  held: HoldResult;
  rounds: readonly Round[];
  /** In order; the daemons' last processes start before `settled`. */
  samples: readonly Sample[];
  settled: number;
  /** When all traffic had ended and every timeout passed. */
  atEnd: Sample;
};

/** What a process takes and gives back all the time, without a leak. */
const MEMORY_GROWTH_MIB = 40;
const FILES_GROWTH = 8;

export function soakReport(result: SoakResult): { text: string; isGood: boolean } {
  const { held, rounds, minutes, perSecond } = result;
  const leaks = leakRows(result);
  const refused = sum(Object.values(held.refused));
  const lost = sum(Object.values(held.lost));
  const bad = rounds.filter((round) => !isClean(round)).length;
  const isHeld = lost + refused + held.stalls + held.wrongEchoes === 0;
  const isGood = isHeld && bad === 0 && leaks.every(({ isFine }) => isFine);
  const text = `${rounds.length} faults in ${figure(minutes, 1)} minutes; ${perSecond} new connections a second meanwhile

${figure(held.opened)} connections that send all the time: ${figure(held.echoes)} lines came back, the slowest after ${figure(held.slowestEchoMs)} ms
  ${refused} refused, ${lost} lost, ${held.wrongEchoes} wrong lines, ${held.stalls} stalls above 1 s: ${verdict(isHeld)}

${table(
  ['FAULT', 'ROUNDS', 'SECONDS', 'NEW', 'ANSWERED', 'FAILED', 'SYN LOST', 'SLOWEST, ms', 'VERDICT'],
  byFault(rounds).map(([fault, of]) => [
    fault,
    figure(of.length),
    figure(Math.max(...of.map(({ seconds }) => seconds)), 1),
    figure(sum(of.map(({ attempted }) => attempted))),
    figure(sum(of.map(({ answered }) => answered))),
    failuresOf(of),
    figure(sum(of.map(({ slow }) => slow))),
    figure(Math.max(...of.map(({ slowestConnectMs }) => slowestConnectMs))),
    verdict(of.every(isClean)),
  ]),
)}
${table(
  ['HELD', 'FIRST', 'SETTLED', 'LAST', 'MAX', 'AT THE END', 'VERDICT'],
  leaks.map(({ metric, figures, isFine }) => [
    metric,
    ...figures.map((value) => figure(value)),
    verdict(isFine),
  ]),
)}
${isGood ? 'good: nothing refused, nothing lost, nothing leaked' : 'BAD: see the rows that say so'}
`;
  return { text, isGood };
}

/** Exported for its test. */
export function leakRows({
  samples,
  settled,
  atEnd,
}: Pick<SoakResult, 'samples' | 'settled' | 'atEnd'>) {
  return [...atEnd.keys()].map((metric) => {
    const all = samples.map((one) => one.get(metric) ?? 0);
    const since = all[settled] ?? all[0] ?? 0;
    const [first, last, end] = [all[0] ?? 0, all.at(-1) ?? 0, atEnd.get(metric) ?? 0];
    const figures = [first, since, last, Math.max(...all, end), end];
    return { metric, figures, isFine: isFine(metric, since, end) };
  });
}

/** Sessions and ports are given back to the last one; a process may breathe. */
function isFine(metric: string, since: number, end: number): boolean {
  if (metric.endsWith('memory, MiB')) return end <= since + MEMORY_GROWTH_MIB;
  if (metric.endsWith('open files')) return end <= since + FILES_GROWTH;
  if (metric.includes('in the kernel')) return end <= since;
  return end === 0;
}

function byFault(rounds: readonly Round[]): [string, Round[]][] {
  const of = new Map<string, Round[]>();
  for (const round of rounds) of.set(round.fault, [...(of.get(round.fault) ?? []), round]);
  return [...of];
}

function failuresOf(rounds: readonly Round[]): string {
  const counts = new Map<string, number>();
  for (const { failures } of rounds)
    for (const [code, count] of Object.entries(failures))
      counts.set(code, (counts.get(code) ?? 0) + count);
  return counts.size === 0 ? '0' : [...counts].map(([code, count]) => `${count} ${code}`).join(' ');
}

function verdict(isFine: boolean): string {
  return isFine ? 'good' : 'BAD';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
