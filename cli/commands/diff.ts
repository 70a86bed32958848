/** `fullnat diff`: what differs between a file and what is in force. */
import { askValue } from '../api/ask.ts';
import { nameOf, readConfigFile, targetOf } from '../api/config-file.ts';
import { asText, isSame, type Outcome } from '../api/outcome.ts';
import { targetOptions } from '../api/target.ts';
import { choice } from '../choice.ts';
import { command, option, optionOr, UsageError } from '../command.ts';
import { asJson } from '../output/json.ts';

export const diff = command({
  name: 'diff',
  summary: 'Show what differs between a file and what is in force; change nothing',
  details:
    '+ would be added, - would be removed, ~ would be changed, ! was changed beside the file:\n' +
    'weights and drains, which `fullnat apply` leaves as they are unless it is told --take-back.\n\n' +
    'Exit code: 0 the same, 1 different, 2 the file is wrong, or no daemon can be asked.',
  arguments: {},
  options: {
    file: option('-f, --file <file>', 'the configuration; - reads standard input', (path) => path),
    output: optionOr(
      '-o, --output <format>',
      'text or json',
      choice('output format', ['text', 'json']),
      'text',
    ),
    ...targetOptions,
  },
  examples: [
    { command: 'fullnat diff -f balancer.yaml', does: 'what `fullnat apply` would change' },
    { command: 'fullnat diff -f - <lb.yaml', does: 'the same, from standard input' },
  ],
  handler: async ({ options }, { stdout }) => {
    const { file, output } = options;
    if (file === undefined) throw new UsageError('no configuration is given; use -f FILE');
    const config = await readConfigFile(file);
    const target = targetOf(config, options);
    const outcome = await asking(() =>
      askValue<Outcome>(target, {
        ...{
          method: 'POST',
          path: '/v1/config/diff',
          query: { file: nameOf(file) },
        },
        ...{ body: config.text, contentType: 'application/yaml' },
      }),
    );
    stdout.write(output === 'json' ? asJson(outcome) : asText(outcome, stdout.style));
    return isSame(outcome) ? 0 : 1;
  },
});

/** That nobody could be asked must not look like a difference. */
async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
