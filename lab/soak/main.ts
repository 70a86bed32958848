/**
 * npm run soak: faults under traffic, again and again, and what is left behind by them.
 *
 * A thousand connections send all the time while balancer and agent are killed, stopped, replaced by
 * another version of their programs, reloaded and given files with mistakes. In each round new
 * connections come at the highest rate that this machine answers in time. Then all traffic ends, every
 * timeout passes, and nothing may be held any more. Exit code 1: something was lost, or leaked.
 */

import { checkMachine } from '../requirements.ts';
import { openLab } from '../lab.ts';
import { waitUntil } from '../process.ts';
import { down, up } from '../up.ts';
import { DAEMON_FAULTS, RELOADS, type DaemonFault } from './daemon-faults.ts';
import { sample, type Sample } from './leaks.ts';
import { installNextVersion } from './next-version.ts';
import { soakOptions, USAGE, type SoakOptions } from './options.ts';
import { soakReport, type SoakResult } from './report.ts';
import { isClean, runRound, type Round } from './rounds.ts';
import { highestRate, startHeld, widenPorts } from './traffic.ts';

const INSTANCE = 'soak';
/** TIME_WAIT of sessions, and two passes of the sweeper. */
const DRAIN_MS = 90_000;
/** Faults that end daemons, of the time. */
const ENDING_SHARE = 0.2;
/** More than any soak takes. */
const HELD_SECONDS = 7 * 24 * 3_600;

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

const options = readOptions();
try {
  checkMachine();
  const { text, isGood } = soakReport(await soak(options, stop.signal));
  process.stdout.write(text);
  process.exitCode = isGood ? 0 : 1;
} finally {
  await down(INSTANCE);
}

async function soak(
  { until, held, perSecond: wanted }: SoakOptions,
  signal: AbortSignal,
): Promise<SoakResult> {
  const next = installNextVersion();
  try {
    await up({ instance: INSTANCE, exchange: true, closeFirst: true });
    const lab = openLab(INSTANCE);
    await widenPorts(lab);
    const holding = await startHeld(lab, held, HELD_SECONDS);
    const perSecond = wanted ?? (await highestRate(lab));
    say(`${held} connections held, ${perSecond} new ones a second`);

    const began = performance.now();
    const rounds: Round[] = [];
    const samples: Sample[] = [await sample(INSTANCE)];
    let settled = 0;
    for (let at = 0; !signal.aborted; at++) {
      const share = shareDone(until, rounds.length, performance.now() - began);
      if (share >= 1) break;
      const mayEnd = until.kind === 'faults' || share < ENDING_SHARE;
      if (mayEnd) settled = samples.length;
      const round = await runRound(lab, pick(mayEnd ? DAEMON_FAULTS : RELOADS, at), {
        next,
        perSecond,
      });
      rounds.push(round);
      samples.push(await sample(INSTANCE));
      const note = isClean(round) ? 'good' : `BAD ${JSON.stringify(round)}`;
      say(
        `${rounds.length}: ${round.fault}, ${round.seconds.toFixed(1)} s, ${round.answered} of ${round.attempted} answered: ${note}`,
      );
    }
    const result = await holding.stop();
    const minutes = (performance.now() - began) / 60_000;
    say('waiting until every session has ended');
    const atEnd = await drained();
    return { minutes, perSecond, held: result, rounds, samples, settled, atEnd };
  } finally {
    next.remove();
  }
}

async function drained(): Promise<Sample> {
  let last = await sample(INSTANCE);
  const isEmpty = () => ['balancer', 'agent'].every((name) => last.get(`${name}: sessions`) === 0);
  await waitUntil(async () => ((last = await sample(INSTANCE)), isEmpty()), {
    timeoutMs: DRAIN_MS,
    everyMs: 1_000,
  });
  return last;
}

function shareDone(until: SoakOptions['until'], rounds: number, ms: number): number {
  switch (until.kind) {
    case 'faults':
      return rounds / until.count;
    case 'time':
      return ms / until.ms;
  }
}

function pick(faults: readonly DaemonFault[], at: number): DaemonFault {
  const fault = faults[at % faults.length];
  if (fault === undefined) throw new RangeError('there are no faults');
  return fault;
}

function readOptions(): SoakOptions {
  try {
    const read = soakOptions(process.argv.slice(2));
    if (read !== 'help') return read;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
