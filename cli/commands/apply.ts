/** `fullnat apply`: brings a configuration in force, whole or not at all. */
import { askApi } from '../api/ask.ts';
import { nameOf, readConfigFile, targetOf } from '../api/config-file.ts';
import { asText, type Outcome } from '../api/outcome.ts';
import { targetOptions } from '../api/target.ts';
import { choice } from '../choice.ts';
import { command, flag, option, optionOr, UsageError } from '../command.ts';
import { asJson } from '../output/json.ts';

export const apply = command({
  name: 'apply',
  summary: 'Bring a configuration in force: whole, or not at all',
  details:
    'The daemon that the file is for checks it whole, compares it with what is in force and applies\n' +
    'the difference: no packet sees half of it, and sessions it does not concern go on. When it\n' +
    'fails, all stays as it was and the reason is told. What is in force is kept as a revision\n' +
    '(`fullnat history`), and is in force again after a restart, until the daemon’s own file is\n' +
    'changed or taken up by SIGHUP: who spoke last is heard.\n\n' +
    'Weights and drains set beside the file stay, unless --take-back.\n\n' +
    'Exit code: 0 it is in force, 1 it cannot be had, 2 the file is wrong.',
  arguments: {},
  options: {
    file: option('-f, --file <file>', 'the configuration; - reads standard input', (path) => path),
    dryRun: flag('--dry-run', 'check it and show what would change; change nothing'),
    takeBack: flag('--take-back', 'also take back weights and drains set beside the file'),
    ifRevision: option(
      '--if-revision <n>',
      'only when this revision is in force still',
      readRevision,
    ),
    output: optionOr(
      '-o, --output <format>',
      'text or json',
      choice('output format', ['text', 'json']),
      'text',
    ),
    ...targetOptions,
  },
  examples: [
    { command: 'fullnat apply -f balancer.yaml --dry-run', does: 'what would change' },
    { command: 'fullnat apply -f balancer.yaml', does: 'bring it in force' },
    {
      command: 'fullnat apply -f lb.yaml --api https://lb1:9443 --token-file token',
      does: 'on a machine elsewhere',
    },
  ],
  handler: async ({ options }, { stdout, stderr }) => {
    const { file, dryRun, takeBack, ifRevision, output } = options;
    if (file === undefined) throw new UsageError('no configuration is given; use -f FILE');
    const config = await readConfigFile(file);
    const query = {
      ...(dryRun ? { dryRun: 'true' } : {}),
      ...(takeBack ? { takeBack: 'true' } : {}),
      file: nameOf(file),
    };
    const { text } = await askApi(targetOf(config, options), {
      ...{ method: 'PUT', path: '/v1/config', query },
      ...{ body: config.text, contentType: 'application/yaml' },
      headers: {
        ...(ifRevision === undefined ? {} : { 'if-match': `"${ifRevision}"` }),
      },
    });
    const outcome = JSON.parse(text) as Outcome;
    stdout.write(output === 'json' ? asJson(outcome) : asText(outcome, stdout.style));
    stderr.write(`fullnat: ${saidOf(outcome, dryRun)}\n`);
    return 0;
  },
});

function saidOf({ applied, revision, changes }: Outcome, isDryRun: boolean): string {
  if (changes.length === 0) return `nothing to change; revision ${revision} stays in force`;
  const count = `${changes.length} change${changes.length === 1 ? '' : 's'}`;
  if (isDryRun) return `${count} would be made to revision ${revision}; nothing was changed`;
  return applied ? `revision ${revision} is in force, with ${count}` : 'nothing was changed';
}

export function readRevision(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`bad revision \`${text}\`; a number like those of \`fullnat history\``);
}
