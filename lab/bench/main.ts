/**
 * npm run bench: fullnat beside other ways from client to server, in one run.
 *
 * Fair means here:
 * - Each way has a lab of its own, alike but for the way; all stand side by side and take turns
 *   (A B C D E, A B C D E …), so that what drifts, drifts for all. The median is shown.
 * - `kernel forwarding` takes both directions through the balancer's namespace: the same hops as
 *   full NAT, so that the difference is the work and not the way. The policy rules that it needs are
 *   in the routers of all ways.
 * - nftables gets 16 locals in turn, all their ports, `fully-random`, and time-wait of 64 s.
 * - One nginx worker, two wrk with a client address each, all source ports from 1024 on, everything
 *   on the same cores. Rates are then mostly those of nginx, wrk and TCP; the CPU time of the whole
 *   machine for one connection, request or gigabyte tells the ways apart.
 * - Servers close first, so TIME_WAIT is theirs, for all. SNAT and balancers that meet it with
 *   another client's time stamps collapse (PAWS); clients therefore send time stamps without an
 *   offset per address. SYNs sent again and errors stand beside each figure: a round that fell into
 *   that trap, or ran out of ports, is seen.
 * - A way's turn comes again after a minute with the defaults: ports have rested.
 *
 * - CPU time is that of /proc/stat without processes outside the labs, and without what the labs and
 *   the kernel do by themselves, measured before each run. Others on the machine still make rates
 *   lower and caches colder: the report says how much of it they used.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkMachine } from '../requirements.ts';
import { down } from '../up.ts';
import { ACCEPT_WAYS, measureAccept } from './accept.ts';
import { measureApply } from './apply/apply.ts';
import {
  CONTENDERS,
  buildContender,
  instanceOf,
  type Contender,
  type ContenderName,
} from './contenders.ts';
import { measureExpiry } from './expiry/expiry.ts';
import { thisMachine } from './machine.ts';
import type { MeasureName } from './measures.ts';
import { measureMemory } from './memory.ts';
import { USAGE, benchOptions, type BenchOptions } from './options.ts';
import { measurePrograms } from './programs.ts';
import { report, type BenchResult } from './report.ts';
import { runRounds } from './rounds.ts';
import { measureTrace } from './trace/trace.ts';

const MEASURES: readonly MeasureName[] = ['connections', 'latency', 'requests', 'bulk'];
const RESULTS = resolve(import.meta.dirname, '../../../bench/results');

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

const options = readOptions();
try {
  checkMachine();
  const result = await bench(options, stop.signal);
  const json = `${JSON.stringify(result, undefined, 2)}\n`;
  process.stdout.write(options.output === 'json' ? json : report(result));
  if (options.save) save(result.date, json);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  say('stopped');
  process.exitCode = 130;
}

async function bench(chosen: BenchOptions, signal: AbortSignal): Promise<BenchResult> {
  const { only } = chosen;
  const result: BenchResult = {
    ...{ date: new Date().toISOString(), machine: thisMachine(), options: chosen },
  };
  if (only.includes('memory')) result.memory = await measureMemory();
  if (only.includes('apply')) result.apply = await measureApply(say);
  if (only.includes('trace')) result.trace = await measureTrace({ say, signal }, chosen);
  if (only.includes('expiry')) result.expiry = await measureExpiry({ say, signal });
  const measures = MEASURES.filter((name) => only.includes(name));
  if (measures.length > 0 || only.includes('programs') || only.includes('accept'))
    Object.assign(result, await withContenders(chosen, measures, signal));
  return result;
}

async function withContenders(
  chosen: BenchOptions,
  measures: readonly MeasureName[],
  signal: AbortSignal,
): Promise<Pick<BenchResult, 'figures' | 'programs' | 'accept'>> {
  const { rounds, seconds, only } = chosen;
  const names = contendersFor(chosen, measures);
  const built: Contender[] = [];
  try {
    for (const name of names) {
      signal.throwIfAborted();
      built.push(await buildContender(name));
    }
    const agent = built.find(({ name }) => name === 'fullnat-agent');
    return {
      ...(measures.length > 0
        ? { figures: await runRounds(measures, built, { rounds, seconds, signal, say }) }
        : {}),
      ...(only.includes('programs') && agent !== undefined
        ? { programs: await measurePrograms(agent, { seconds, signal }) }
        : {}),
      ...(only.includes('accept')
        ? { accept: await measureAccept(built, { rounds, signal, say }) }
        : {}),
    };
  } finally {
    for (const name of names) await down(instanceOf(name));
  }
}

function contendersFor(
  { only, ways }: Pick<BenchOptions, 'only' | 'ways'>,
  measures: readonly MeasureName[],
): readonly ContenderName[] {
  if (measures.length > 0) return CONTENDERS.filter((name) => ways.includes(name));
  return only.includes('accept') ? ACCEPT_WAYS : ['fullnat-agent'];
}

function readOptions(): BenchOptions {
  try {
    const read = benchOptions(process.argv.slice(2));
    if (read !== 'help') return read;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function save(date: string, json: string): void {
  mkdirSync(RESULTS, { recursive: true });
  const file = `${RESULTS}/${date.slice(0, 16).replaceAll(':', '')}.json`;
  writeFileSync(file, json);
  say(`written: ${file}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
