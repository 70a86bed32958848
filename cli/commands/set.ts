/** `fullnat set weight`: a backend's share, at once and beside the file. */
import { askValue } from '../api/ask.ts';
import { namedTarget, targetOptions } from '../api/target.ts';
import { argument, command, option, UsageError, type Group } from '../command.ts';
import { socketOf } from '../daemons.ts';

const WEIGHT_MOST = 65_535;

const weight = command({
  name: 'weight',
  summary: 'Change the weight of a backend at once, beside the file',
  details:
    'Sessions go on; new connections are shared out anew. The weight is kept over restarts and over\n' +
    '`fullnat apply`, and shown as a difference by `fullnat diff`, until it is taken back: by the\n' +
    'word `file` instead of a number, or by `fullnat apply --take-back`.',
  arguments: {
    backend: argument('<backend>', 'by name or address:port', (word) => word),
    weight: argument('<weight>', `0 to ${WEIGHT_MOST}, or file: as the file says`, readWeight),
  },
  options: {
    pool: option(
      '--pool <name>',
      'only in this pool; otherwise in all that have it',
      (name) => name,
    ),
    ...targetOptions,
  },
  examples: [
    { command: 'fullnat set weight server1 0', does: 'no new connections; the old ones live' },
    { command: 'fullnat set weight 10.0.98.79:8056 5 --pool web', does: 'in one pool' },
    { command: 'fullnat set weight server1 file', does: 'as the file says again' },
  ],
  handler: async ({ arguments: given, options }, { stdout }) => {
    const { instance, pool } = options;
    const target = namedTarget(options) ?? { kind: 'socket', path: socketOf(instance, 'balancer') };
    const query = pool === undefined ? {} : { pool };
    const { changed } = await askValue<{
      changed: { pool: string; backend: string; weight: number }[];
    }>(target, {
      ...{ method: 'PATCH', path: `/v1/backends/${encodeURIComponent(given.backend)}`, query },
      ...{ body: JSON.stringify({ weight: given.weight }), contentType: 'application/json' },
    });
    for (const one of changed) stdout.write(`${one.pool} ${one.backend}: weight ${one.weight}\n`);
    return 0;
  },
});

export const set: Group = {
  name: 'set',
  summary: 'Change something at once, beside the file',
  commands: [weight],
};

function readWeight(text: string): number | null {
  if (text === 'file') return null;
  if (/^\d{1,5}$/.test(text) && Number(text) <= WEIGHT_MOST) return Number(text);
  throw new UsageError(`bad weight \`${text}\`; a whole number in 0..${WEIGHT_MOST}, or file`);
}
