/** `fullnat lab status` */
import { checkMachine } from '../../../lab/requirements.ts';
import { status, type LabStatus } from '../../../lab/status.ts';
import { choice } from '../../choice.ts';
import { command, optionOr } from '../../command.ts';
import { asJson } from '../../output/json.ts';
import type { Style } from '../../output/style.ts';
import { table } from '../../output/table.ts';
import { doing, instanceOption, instanceWords } from './common.ts';

export const labStatus = command({
  name: 'status',
  summary: 'Show namespaces, addresses, daemons and servers; exit code 1 unless all is well',
  arguments: {},
  options: {
    instance: instanceOption,
    output: optionOr(
      '-o, --output <format>',
      'table or json',
      choice('output format', ['table', 'json']),
      'table',
    ),
  },
  examples: [{ command: 'fullnat lab status -o json', does: 'for a script' }],
  handler: async ({ options: { instance, output } }, { stdout, stderr }) => {
    const found = await doing(() => {
      checkMachine();
      return status(instance);
    });
    const isThere = found.namespaces.some(({ exists }) => exists);
    if (output === 'json') stdout.write(asJson(found));
    else if (isThere) stdout.write(statusText(found, stdout.style));
    if (!isThere) {
      const up = `fullnat lab up ${instanceWords(instance)}`.trimEnd();
      stderr.write(`lab '${instance}' is not up; run: ${up}\n`);
    } else if (found.options === undefined) {
      stderr.write(`lab '${instance}' was not completely built; run lab up or lab down\n`);
    }
    return found.whole ? 0 : 1;
  },
});

export function statusText({ namespaces, daemons, servers }: LabStatus, style: Style): string {
  const state = (isWell: boolean) => (text: string) =>
    isWell ? style.good(text) : style.bad(text);
  const parts = [
    table(
      [
        { heading: 'NAMESPACE', text: ({ name }) => name },
        { heading: 'ADDRESSES', text: ({ addresses }) => addresses.join(', ') },
        { heading: 'PROCESSES', text: ({ processes }) => String(processes), align: 'right' },
        {
          heading: 'STATE',
          text: ({ exists }) => (exists ? 'there' : 'missing'),
          paint: ({ exists }) => state(exists),
        },
      ],
      namespaces,
      style,
    ),
    table(
      [
        { heading: 'SERVER', text: ({ name }) => name },
        { heading: 'ADDRESS', text: ({ address }) => address },
        { heading: 'PID', text: ({ pid }) => String(pid ?? '') },
        {
          heading: 'STATE',
          text: ({ answers }) => (answers ? 'answers' : 'no answer'),
          paint: ({ answers }) => state(answers),
        },
      ],
      servers,
      style,
    ),
  ];
  if (daemons.length > 0) {
    parts.push(
      table(
        [
          { heading: 'DAEMON', text: ({ name }) => name },
          { heading: 'SOCKET', text: ({ socket }) => socket },
          { heading: 'PID', text: ({ pid }) => String(pid ?? '') },
          {
            heading: 'STATE',
            text: ({ pid, answers }) =>
              answers ? 'answers' : pid === undefined ? 'not running' : 'no answer',
            paint: ({ answers }) => state(answers),
          },
        ],
        daemons,
        style,
      ),
    );
  }
  return parts.join('\n');
}
