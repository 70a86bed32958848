/** How many sessions drained backends still have: one line kept up to date on a terminal, a line per change in a pipe. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendRow } from '../control/api/rows.ts';
import type { Drain } from '../control/state/runtime.ts';
import { askValue } from './api/ask.ts';
import type { Target } from './api/call.ts';
import type { Context } from './command.ts';

/** `pool backend`; undefined: all. */
export type Drained = { readonly pool: string; readonly backend: string }[] | undefined;

const POLL_MS = 500;
/** After the end: for resets to arrive, and to be counted. */
const GRACE_MS = 30_000;

/** Returns how many sessions were left when it gave up: 0, or those that are to be kept. */
export async function followDrain(
  target: Target,
  drained: Drained,
  drain: Drain | null,
  { stdout, signal }: Pick<Context, 'stdout' | 'signal'>,
): Promise<number> {
  const untilMs = typeof drain?.until === 'string' ? Date.parse(drain.until) : Infinity;
  const giveUpMs = drain?.afterwards === 'reset' ? untilMs + GRACE_MS : untilMs;
  let before = -1;
  for (;;) {
    const live = await liveOf(target, drained);
    const line = lineOf(live, untilMs, drain);
    if (stdout.isTerminal) stdout.write(`\r\u001B[K${line}`);
    else if (live !== before) stdout.write(`${line}\n`);
    before = live;
    if (live === 0 || Date.now() >= giveUpMs || signal.aborted) {
      if (stdout.isTerminal) stdout.write('\n');
      return live;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** A backend of two pools has one count. */
async function liveOf(target: Target, drained: Drained): Promise<number> {
  const rows = await askValue<BackendRow[]>(target, { method: 'GET', path: '/v1/backends' });
  const own = rows.filter(
    ({ pool, address }) =>
      drained === undefined || drained.some((one) => one.pool === pool && one.backend === address),
  );
  const counts = new Map(own.map(({ address, live }) => [address, live]));
  return [...counts.values()].reduce((sum, live) => sum + live, 0);
}

function lineOf(live: number, untilMs: number, drain: Drain | null): string {
  if (live === 0) return 'no session left';
  const sessions = live === 1 ? '1 session' : `${live} sessions`;
  if (untilMs === Infinity || drain === null) return `${sessions} left`;
  const seconds = Math.max(0, Math.ceil((untilMs - Date.now()) / 1_000));
  const then = drain.afterwards === 'reset' ? 'is reset' : 'is kept';
  return `${sessions} left; in ${seconds} s what is left ${then}`;
}
