/** `fullnat top`: rates now, and the busiest listeners, backends and clients. */
import { setTimeout as sleep } from 'node:timers/promises';
import { command, CommandError, optionOr, UsageError, type Context } from '../command.ts';
import { ask, type Row } from '../daemons.ts';
import type { Target } from '../api/call.ts';
import { namedTarget, targetOptions } from '../api/target.ts';
import { fitted } from '../output/screen.ts';
import { frame, ROWS_IN_PIPE } from '../top/frame.ts';
import { ratesBetween, type Sample } from '../top/sample.ts';

/** As many as a daemon gives at once; of more, the clients are those of a part. */
const SESSIONS_READ = 2_000;
const INTERVAL_MS = 2_000;
const INTERVAL_LEAST_MS = 200;
const INTERVAL_MOST_MS = 60_000;
/** Screen of its own, no cursor; and back. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const QUIT = ['q', 'Q', '\u0003', '\u001b'];

export const top = command({
  name: 'top',
  summary: 'Watch rates, and the busiest listeners, backends and clients',
  details:
    'On a terminal drawn anew every two seconds; q or Ctrl-C ends it. In a pipe: one picture of\n' +
    'the first interval, and the end.',
  arguments: {},
  options: {
    interval: optionOr(
      '--interval <seconds>',
      'how long rates are measured over',
      readInterval,
      INTERVAL_MS,
      '2',
    ),
    ...targetOptions,
  },
  examples: [
    { command: 'fullnat top', does: 'who is busy now; q quits' },
    { command: 'fullnat top --interval 10 | head -20', does: 'the rates of ten seconds, once' },
  ],
  handler: async ({ options }, context) => {
    const { stdout, signal } = context;
    const read = () => readSample({ instance: options.instance, target: namedTarget(options) });
    let before = await read();
    if (!stdout.isTerminal) {
      await sleep(options.interval, undefined, { signal }).catch(() => {});
      const now = await read();
      const size = { columns: stdout.columns, rows: 3 * ROWS_IN_PIPE };
      stdout.write(frame(now, ratesBetween(before, now), size, stdout.style));
      return 0;
    }
    const quit = new AbortController();
    const stop = AbortSignal.any([signal, quit.signal]);
    const release = context.onKey?.((key) => QUIT.includes(key) && quit.abort());
    stdout.write(ENTER);
    let failure: string | undefined;
    try {
      draw(before, before, context);
      while (!stop.aborted) {
        await sleep(options.interval, undefined, { signal: stop }).catch(() => {});
        if (stop.aborted) break;
        const now = await read();
        draw(before, now, context);
        before = now;
      }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failure = error.message;
    } finally {
      stdout.write(LEAVE);
      release?.();
    }
    if (failure !== undefined) throw new CommandError(failure);
    return 0;
  },
});

/** In place: no line is cleared before it is written again, so nothing flickers. */
function draw(before: Sample, now: Sample, { stdout }: Context): void {
  const { columns, rows, style } = stdout;
  const text = fitted(frame(now, ratesBetween(before, now), { columns, rows }, style), stdout);
  stdout.write(`${HOME}${text.replaceAll('\n', `${CLEAR_LINE_END}\n`)}${CLEAR_BELOW}`);
}

async function readSample(from: {
  readonly instance: string;
  readonly target: Target | undefined;
}): Promise<Sample> {
  const list = (resource: string, limit?: number) =>
    ask(resource, {
      ...from,
      daemons: ['balancer'],
      ...(limit === undefined ? {} : { limit }),
    });
  const [listeners, backends, sessions, drops, info] = await Promise.all([
    list('listeners'),
    list('backends'),
    list('sessions', SESSIONS_READ),
    list('drops'),
    list('info'),
  ]);
  const nothing: Row = {};
  return {
    atMs: Date.now(),
    listeners: listeners.rows,
    backends: backends.rows,
    sessions: sessions.rows,
    sessionsTotal: sessions.total,
    drops: drops.rows,
    info: info.rows[0] ?? nothing,
  };
}

function readInterval(text: string): number {
  const ms = Number(text) * 1_000;
  if (/^\d+(\.\d+)?$/.test(text) && ms >= INTERVAL_LEAST_MS && ms <= INTERVAL_MOST_MS) return ms;
  throw new UsageError(
    `bad --interval \`${text}\`; seconds in ${INTERVAL_LEAST_MS / 1_000}..${INTERVAL_MOST_MS / 1_000}`,
  );
}
