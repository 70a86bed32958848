/**
 * npm run fuzz: random conversations and mutated frames, the loaded programs against the
 * model. Exits with 1 and a report when they differ, with 2 when it cannot run.
 */
import { skip } from '../kernel/private-network.ts';
import { buildTopology } from '../kernel/topology.ts';
import { jobs, type Job } from './jobs.ts';
import { fuzzOptions, USAGE, type FuzzOptions } from './options.ts';

interface Progress {
  readonly job: Job;
  readonly wanted: number;
  done: number;
  seconds: number;
}

/** What is seen of each kind before the next kind has its turn, and how often it is told. */
const TURN_MS = 5_000;

process.exitCode = await main();

async function main(): Promise<number> {
  let options: FuzzOptions | 'help';
  try {
    options = fuzzOptions(process.argv.slice(2), Date.now());
  } catch (error) {
    process.stderr.write(
      `fuzz: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`,
    );
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (skip !== false) {
    process.stderr.write(`fuzz: ${skip}\n`);
    return 2;
  }
  return fuzz(options);
}

async function fuzz({ counts, forSeconds, seed }: FuzzOptions): Promise<number> {
  buildTopology();
  say(`seed ${seed}`);
  const started = performance.now();
  const isTime = () => (performance.now() - started) / 1000 < forSeconds;
  const all = (await jobs()).map((job): Progress => ({
    job,
    wanted: counts[job.unit] / 2, // each unit has a job for the balancer and one for the agent
    done: 0,
    seconds: 0,
  }));
  try {
    while (isTime() && all.some(({ done, wanted }) => done < wanted))
      for (const progress of all) await turn(progress, seed, isTime);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    for (const { job } of all) job.end();
  }
  for (const progress of all) if (progress.done > 0) tell(progress);
  say('programs and model did the same');
  return 0;
}

/** Some pieces of one job; seeds go on from piece to piece. */
async function turn(progress: Progress, seed: number, isTime: () => boolean): Promise<void> {
  const { job, wanted } = progress;
  const from = performance.now();
  if (progress.done >= wanted) return;
  for (let piece = 0; progress.done < wanted && isTime(); piece++) {
    progress.done += await job.step(seed + progress.done + piece);
    if (performance.now() - from > TURN_MS) break;
  }
  progress.seconds += (performance.now() - from) / 1000;
  tell(progress);
}

function tell({ job, done, wanted, seconds }: Progress): void {
  const rate = Math.round(done / seconds).toLocaleString('en');
  say(
    `${job.name.padEnd(24)} ${done.toLocaleString('en').padStart(11)} of ` +
      `${wanted.toLocaleString('en')}, ${seconds.toFixed(0)} s, ${rate} ${job.unit} a second`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
