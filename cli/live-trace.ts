/** `fullnat trace --live`: where to capture, what for, and how long; the rest is that of files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { asIpv4Address, parseIpEndpoint, type IpEndpoint } from '../packet/ip.ts';
import { liveTrace, LiveTraceError, type LiveTrace } from '../diagnose/capture/live-trace.ts';
import type { Runner } from '../diagnose/collect/runner.ts';
import { sessionRows, type SessionRow } from '../diagnose/correlate/sessions.ts';
import { failureLine } from '../diagnose/report/trace-text.ts';
import { CommandError, type Context } from './command.ts';
import type { LivePoint } from './live-point.ts';

export interface LiveWishes {
  readonly target: IpEndpoint;
  readonly at: readonly LivePoint[];
  readonly backends: readonly IpEndpoint[];
  readonly forSeconds: number;
  readonly untilFailure: boolean;
  /** Folder to keep the captures in. */
  readonly save: string | undefined;
  /** A line for each failure as it happens. */
  readonly tellFailures: boolean;
  readonly sessions: readonly SessionRow[];
}

/** Of each point. Headers of this many packets are 30 MB. */
const LIMITS = { packets: 200_000, bytes: 64 * 1024 * 1024 };
/** What opening all points and the end may take. */
const DAEMON_SPARE_SECONDS = 10;
/** Sessions are asked for no more often. */
const SESSIONS_EVERY_MS = 2_000;
const SESSIONS_MAX = 10_000;

export async function traceLive(
  wishes: LiveWishes,
  { stdout, stderr, signal }: Context,
): Promise<LiveTrace> {
  const { target, at, forSeconds, untilFailure, save, tellFailures } = wishes;
  const known = await Promise.all(at.map((place) => backendsAt(place)));
  const ends = [target, ...wishes.backends, ...known.flat()];
  const columns = stdout.isTerminal ? stdout.columns : Infinity;
  // Loaded here alone: a trace of files needs nothing of BPF, and should start without it.
  const { watchDrops } = await import('../diagnose/capture/kernel-drops.ts');
  const isHere = at.some(({ where }) => where.kind !== 'ssh');
  const watched = isHere
    ? await watchDrops(ends.flatMap(({ address }) => asIpv4Address(address) ?? []))
    : { why: 'no place is on this machine' };
  if (isHere && 'why' in watched)
    stderr.write(`fullnat: packets that the kernel drops are not seen: ${watched.why}\n`);
  // A daemon that is asked ends by itself if this process cannot tell it to.
  const seconds = Math.ceil(forSeconds) + DAEMON_SPARE_SECONDS;
  try {
    const live = await liveTrace(
      {
        nowMs: () => performance.now(),
        sleep: (ms) => sleep(ms, undefined, { signal }).catch(() => {}),
        signal,
        sessions: askedNowAndThen(wishes),
        drops: () => ('watch' in watched ? watched.watch.drops() : []),
        onOpening: (name, how) => stderr.write(stderr.style.quiet(`${name}: ${how}\n`)),
        onReady: () => {
          const until = untilFailure ? ', or until one fails' : '';
          stderr.write(`capturing for ${forSeconds} s${until}; Ctrl-C ends it\n`);
        },
        onFailure: (found, conversation) => {
          if (tellFailures) stdout.write(failureLine(found, conversation, stdout.style, columns));
        },
      },
      at,
      { ends, forMs: forSeconds * 1000, untilFailure, limits: { ...LIMITS, seconds } },
    );
    for (const { name, problem } of live.points)
      if (problem !== undefined) stderr.write(`fullnat: ${name}: ${problem}\n`);
    if (save !== undefined) saveCaptures(save, live);
    return live;
  } catch (error) {
    if (error instanceof LiveTraceError) throw new CommandError(error.message);
    throw error;
  } finally {
    if ('watch' in watched) watched.watch.close();
  }
}

/** Servers that the daemon there knows: without them nothing behind a translation would be captured. */
async function backendsAt({ name, runner, daemon }: LivePoint): Promise<IpEndpoint[]> {
  if (daemon === undefined) return [];
  const { role, socket } = daemon;
  const rows = await asked(runner, socket, role === 'agent' ? 'servers' : 'backends');
  if (rows === undefined)
    throw new CommandError(`${name}: nobody answers at ${socket}; is the ${role} running there?`);
  return rows.flatMap((row) => {
    const read = parseIpEndpoint(String((row as { address?: unknown }).address));
    return read.ok ? [read.value] : [];
  });
}

/** Sessions end, and are remembered for the packets that are still to be explained. */
function askedNowAndThen({ at, sessions }: LiveWishes): () => Promise<readonly SessionRow[]> {
  const known = new Map(sessions.map((row) => [JSON.stringify(row), row]));
  let askedAt = -Infinity;
  return async () => {
    if (performance.now() - askedAt < SESSIONS_EVERY_MS) return [...known.values()];
    askedAt = performance.now();
    for (const { runner, daemon } of at) {
      if (daemon === undefined) continue;
      const rows = await asked(runner, daemon.socket, `sessions?limit=${SESSIONS_MAX}`);
      for (const row of sessionRows(rows ?? [])) known.set(JSON.stringify(row), row);
    }
    return [...known.values()];
  };
}

async function asked(
  runner: Runner,
  socket: string,
  what: string,
): Promise<readonly unknown[] | undefined> {
  const url = `http://fullnat/v1/${what}`;
  const ran = await runner.run(['curl', '-sf', '--max-time', '5', '--unix-socket', socket, url]);
  if (!ran.ok || ran.code !== 0) return undefined;
  const rows: unknown = JSON.parse(ran.stdout);
  return Array.isArray(rows) ? rows : undefined;
}

function saveCaptures(folder: string, { points }: LiveTrace): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const { name, chunks } of points)
      writeFileSync(`${folder}/${name}.pcap`, Buffer.concat(chunks));
  } catch (error) {
    throw new CommandError(`--save ${folder}: ${(error as Error).message}`);
  }
}
