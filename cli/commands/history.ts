/** `fullnat history`: the configurations that were in force, and who put them there. */
import { askApi, askValue } from '../api/ask.ts';
import { daemonOption, daemonTarget } from '../api/daemon-option.ts';
import { targetOptions } from '../api/target.ts';
import { choice } from '../choice.ts';
import { command, optionalArgument, optionOr } from '../command.ts';
import { asJson } from '../output/json.ts';
import { table, type Column } from '../output/table.ts';
import { readRevision } from './apply.ts';

type Row = {
  readonly revision: number;
  readonly at: string;
  readonly who: string;
  readonly how: string;
  readonly of: number | null;
  readonly changes: readonly string[];
  readonly changesTotal: number;
  readonly inForce: boolean;
};

const COLUMNS: readonly Column<Row>[] = [
  { heading: 'REVISION', align: 'right', text: ({ revision }) => String(revision) },
  { heading: '', text: ({ inForce }) => (inForce ? 'in force' : '') },
  { heading: 'AT', text: ({ at }) => at },
  { heading: 'WHO', text: ({ who }) => who },
  { heading: 'HOW', text: ({ how, of }) => (of === null ? how : `${how} to ${of}`) },
  { heading: 'CHANGES', align: 'right', text: ({ changesTotal }) => String(changesTotal) },
  { heading: 'FIRST OF THEM', text: ({ changes }) => changes[0] ?? '' },
];

export const history = command({
  name: 'history',
  summary: 'List the configurations that were in force: who, when, what changed',
  details: 'With a revision, shows that configuration as it was written.',
  arguments: {
    revision: optionalArgument('[revision]', 'show this configuration', readRevision),
  },
  options: {
    ...daemonOption,
    output: optionOr(
      '-o, --output <format>',
      'table or json',
      choice('output format', ['table', 'json']),
      'table',
    ),
    ...targetOptions,
  },
  examples: [
    { command: 'fullnat history', does: 'newest last' },
    { command: 'fullnat history 7 > before.yaml', does: 'a configuration from before' },
  ],
  handler: async ({ arguments: { revision }, options }, { stdout }) => {
    const target = daemonTarget(options);
    if (revision !== undefined) {
      const path = `/v1/revisions/${revision}`;
      stdout.write((await askApi(target, { method: 'GET', path })).text);
      return 0;
    }
    const rows = await askValue<Row[]>(target, { method: 'GET', path: '/v1/revisions' });
    stdout.write(options.output === 'json' ? asJson(rows) : table(COLUMNS, rows, stdout.style));
    return 0;
  },
});
