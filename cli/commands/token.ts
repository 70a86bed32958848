/** `fullnat token`: who may come in to the API from other machines. */
import { stateDirectory, stateRoot } from '../../control/state/directory.ts';
import { TokenError, TokenStore, type TokenRow } from '../../control/state/tokens.ts';
import { askValue } from '../api/ask.ts';
import { callApi, type Target } from '../api/call.ts';
import { daemonOption, daemonTarget } from '../api/daemon-option.ts';
import { targetOptions, type TargetOptions } from '../api/target.ts';
import { choice } from '../choice.ts';
import { argument, command, optionOr, UsageError, type Context, type Group } from '../command.ts';
import { asJson } from '../output/json.ts';
import { table, type Column } from '../output/table.ts';

const ROLES = ['read', 'operate', 'admin'] as const;
const DAY_MS = 86_400_000;
const DAYS_MOST = 3_650;
const NAME = argument('<name>', 'a-z, 0-9 and . _ -', (word) => word);

type Options = TargetOptions & { readonly daemon: 'balancer' | 'agent' };

const COLUMNS: readonly Column<TokenRow>[] = [
  { heading: 'NAME', text: ({ name }) => name },
  { heading: 'ROLE', text: ({ role }) => role },
  { heading: 'MADE', text: ({ at }) => at },
  { heading: 'BY', text: ({ by }) => by },
  { heading: 'EXPIRES', text: ({ expires }) => expires ?? 'never' },
];

const create = command({
  name: 'create',
  summary: 'Make a token and print it: only its hash is kept, so this is the one time',
  details:
    'read: lists, metrics, differences. operate: also weights and drains. admin: also the\n' +
    'configuration and the tokens. Works without a daemon too: its next start knows the token.',
  arguments: { name: NAME },
  options: {
    role: optionOr('--role <role>', ROLES.join(', '), choice('role', ROLES), 'read'),
    days: optionOr(
      '--for <duration>',
      'until it expires: 1d to 3650d, or never',
      readDays,
      90,
      '90d',
    ),
    ...daemonOption,
    ...targetOptions,
  },
  examples: [
    {
      command: 'fullnat token create prometheus --role read --for never >token',
      does: 'for a machine that reads metrics',
    },
  ],
  handler: async ({ arguments: { name }, options }, { stdout }) => {
    const { role, days } = options;
    const lifeMs = days === null ? null : days * DAY_MS;
    const token = await either(
      options,
      async (target) => {
        const body = JSON.stringify({ name, role, days });
        const call = { method: 'POST', path: '/v1/tokens', body } as const;
        return (
          await askValue<{ token: string }>(target, { ...call, contentType: 'application/json' })
        ).token;
      },
      (store, by) => store.create({ name, role, lifeMs, by }),
    );
    stdout.write(`${token}\n`);
    return 0;
  },
});

const revoke = command({
  name: 'revoke',
  summary: 'Take a token back: from now on nobody comes in by it',
  arguments: { name: NAME },
  options: { ...daemonOption, ...targetOptions },
  examples: [{ command: 'fullnat token revoke prometheus', does: 'at once' }],
  handler: async ({ arguments: { name }, options }, { stderr }) => {
    const path = `/v1/tokens/${encodeURIComponent(name)}`;
    await either(
      options,
      (target) => askValue<TokenRow>(target, { method: 'DELETE', path }),
      (store) => store.revoke(name),
    );
    stderr.write(`fullnat: token ${name} is revoked\n`);
    return 0;
  },
});

const listTokens = command({
  name: 'list',
  summary: 'List who may come in by a token',
  arguments: {},
  options: {
    output: optionOr(
      '-o, --output <format>',
      'table or json',
      choice('output format', ['table', 'json']),
      'table',
    ),
    ...daemonOption,
    ...targetOptions,
  },
  examples: [{ command: 'fullnat token list', does: 'names, roles, when they expire' }],
  handler: async ({ options }, { stdout, stderr }) => {
    const rows = await either(
      options,
      (target) => askValue<TokenRow[]>(target, { method: 'GET', path: '/v1/tokens' }),
      (store) => store.all(),
    );
    if (options.output === 'json') stdout.write(asJson(rows));
    else stdout.write(shown(rows, { stdout, stderr }));
    return 0;
  },
});

export const token: Group = {
  name: 'token',
  summary: 'Who may come in to the API from other machines',
  commands: [create, listTokens, revoke],
};

function shown(
  rows: readonly TokenRow[],
  { stdout, stderr }: Pick<Context, 'stdout' | 'stderr'>,
): string {
  if (rows.length > 0) return table(COLUMNS, rows, stdout.style);
  stderr.write('fullnat: no tokens\n');
  return '';
}

/** Asks the daemon; where none runs on this machine, works on what it keeps. */
async function either<T>(
  options: Options,
  ask: (target: Target) => Promise<T>,
  work: (store: TokenStore, by: string) => T,
): Promise<T> {
  const target = daemonTarget(options);
  const isOurs = target.kind === 'socket' && options.socket === undefined;
  if (!isOurs || (await isThere(target))) return ask(target);
  const uid = process.getuid?.() ?? 0;
  const directory = stateDirectory(stateRoot(process.env, uid), options.instance, options.daemon);
  try {
    return work(new TokenStore(directory, Date.now), `uid ${uid}`);
  } catch (error) {
    if (error instanceof TokenError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

async function isThere(target: Target): Promise<boolean> {
  const answer = await callApi(target, { method: 'GET', path: '/v1/info' });
  return answer.kind === 'answer';
}

function readDays(text: string): number | null {
  if (text === 'never') return null;
  const [, days] = /^([1-9]\d{0,3})d$/.exec(text) ?? [];
  if (days !== undefined && Number(days) <= DAYS_MOST) return Number(days);
  throw new UsageError(`bad --for \`${text}\`; write 1d to 3650d, or never`);
}
