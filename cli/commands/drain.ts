/** `fullnat drain` and `fullnat undrain`: no new connections for a backend, or for the whole balancer; the old ones live. */
import type { Drain } from '../../control/state/runtime.ts';
import { parseDurationMs } from '../../control/config/duration.ts';
import { askValue } from '../api/ask.ts';
import type { Target } from '../api/call.ts';
import { namedTarget, targetOptions, type TargetOptions } from '../api/target.ts';
import { choice } from '../choice.ts';
import { command, flag, option, optionalArgument, UsageError } from '../command.ts';
import { socketOf } from '../daemons.ts';
import { followDrain, type Drained } from '../drain-progress.ts';
import { wellRead } from '../read.ts';

type Changed = { readonly pool: string; readonly backend: string; readonly drain: Drain | null };

const whom = {
  backend: optionalArgument('[backend]', 'by name or address:port', (word: string) => word),
};
const where = {
  pool: option('--pool <name>', 'only in this pool; otherwise in all that have it', (name) => name),
  all: flag('--all', 'the whole balancer, for maintenance'),
  ...targetOptions,
};

export const drain = command({
  name: 'drain',
  summary: 'Give a backend, or all, no new connections; the old ones live',
  details:
    'After the time, both ends of what is left get a RST, or it is kept: as said here, or as the\n' +
    "pool's `drain` says. It is kept over restarts and over `fullnat apply`, and shown as a\n" +
    'difference by `fullnat diff`, until `fullnat undrain`.\n\n' +
    'Exit code with --wait: 0 no session is left, 1 some are.',
  arguments: whom,
  options: {
    for: option(
      '--for <duration>',
      "how long sessions go on, like 5m; the pool's if left out",
      (text) => wellRead('--for', parseDurationMs(text)),
    ),
    afterwards: option(
      '--afterwards <what>',
      'what becomes of the rest: reset or keep',
      choice('what becomes of the rest', ['reset', 'keep']),
    ),
    wait: flag('--wait', 'until no session is left, or the time is over; shows how many there are'),
    ...where,
  },
  examples: [
    { command: 'fullnat drain server1 --for 5m --wait', does: 'before server1 is restarted' },
    { command: 'fullnat drain --all --for 10m', does: 'before the balancer is' },
  ],
  handler: async ({ arguments: { backend }, options }, context) => {
    const { for: forMs, afterwards, wait } = options;
    const wish = {
      ...(forMs === undefined ? {} : { forSeconds: forMs / 1_000 }),
      ...(afterwards === undefined ? {} : { afterwards }),
    };
    const target = targetOf(options);
    const changed = await change(target, backend, options, wish);
    for (const line of changed.lines) context.stdout.write(`${line}\n`);
    if (!wait) return 0;
    return (await followDrain(target, changed.drained, changed.drain, context)) === 0 ? 0 : 1;
  },
});

export const undrain = command({
  name: 'undrain',
  summary: 'Give a drained backend, or all, new connections again',
  details: 'Backends that were drained by themselves stay drained when --all is taken back.',
  arguments: whom,
  options: where,
  examples: [
    { command: 'fullnat undrain server1', does: 'in every pool that has it' },
    { command: 'fullnat undrain --all', does: 'after maintenance' },
  ],
  handler: async ({ arguments: { backend }, options }, { stdout }) => {
    const { lines } = await change(targetOf(options), backend, options, null);
    for (const line of lines) stdout.write(`${line}\n`);
    return 0;
  },
});

async function change(
  target: Target,
  backend: string | undefined,
  { pool, all }: { readonly pool?: string | undefined; readonly all: boolean },
  wish: object | null,
): Promise<{ lines: readonly string[]; drained: Drained; drain: Drain | null }> {
  if (all === (backend !== undefined) || (all && pool !== undefined))
    throw new UsageError('name one backend, or give --all alone');
  const json = { contentType: 'application/json' } as const;
  if (backend === undefined) {
    const path = '/v1/drain';
    const done = await askValue<{ drain: Drain | null }>(
      target,
      wish === null
        ? { method: 'DELETE', path }
        : { method: 'PUT', path, body: JSON.stringify(wish), ...json },
    );
    return { lines: [`everything: ${textOf(done.drain)}`], drained: undefined, drain: done.drain };
  }
  const { changed } = await askValue<{ changed: Changed[] }>(target, {
    ...{ method: 'PATCH', path: `/v1/backends/${encodeURIComponent(backend)}` },
    ...{
      query: pool === undefined ? {} : { pool },
      body: JSON.stringify({ drain: wish }),
      ...json,
    },
  });
  return {
    lines: changed.map((one) => `${one.pool} ${one.backend}: ${textOf(one.drain)}`),
    drained: changed,
    drain: changed[0]?.drain ?? null,
  };
}

function targetOf(options: TargetOptions): Target {
  return namedTarget(options) ?? { kind: 'socket', path: socketOf(options.instance, 'balancer') };
}

function textOf(drained: Drain | null): string {
  if (drained === null) return 'takes new connections';
  const { until, afterwards } = drained;
  return `drained${until === null ? '' : ` until ${until}`}; then ${afterwards}`;
}
