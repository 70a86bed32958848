/** `fullnat rollback`: an earlier configuration in force again. */
import { askApi } from '../api/ask.ts';
import { daemonOption, daemonTarget } from '../api/daemon-option.ts';
import { asText, type Outcome } from '../api/outcome.ts';
import { targetOptions } from '../api/target.ts';
import { command, flag, optionalArgument } from '../command.ts';
import { readRevision } from './apply.ts';

export const rollback = command({
  name: 'rollback',
  summary: 'Bring an earlier configuration in force again, as a new revision',
  details:
    'Without a revision: the one before that in force. It is checked and applied like any other.\n\n' +
    'Exit code: 0 it is in force, 1 it cannot be had, 2 there is no such revision.',
  arguments: {
    revision: optionalArgument('[revision]', 'one of `fullnat history`', readRevision),
  },
  options: {
    dryRun: flag('--dry-run', 'show what would change; change nothing'),
    ...daemonOption,
    ...targetOptions,
  },
  examples: [
    { command: 'fullnat rollback', does: 'undo the last change' },
    { command: 'fullnat rollback 7 --dry-run', does: 'how revision 7 differs from now' },
  ],
  handler: async ({ arguments: { revision }, options }, { stdout, stderr }) => {
    const { dryRun } = options;
    const query = {
      ...(revision === undefined ? {} : { revision: String(revision) }),
      ...(dryRun ? { dryRun: 'true' } : {}),
    };
    const call = { method: 'POST', path: '/v1/rollback', query } as const;
    const { text } = await askApi(daemonTarget(options), call);
    const outcome = JSON.parse(text) as Outcome;
    stdout.write(asText(outcome, stdout.style));
    const said = dryRun
      ? 'nothing was changed'
      : outcome.applied
        ? `revision ${outcome.revision} is in force`
        : `nothing to change; revision ${outcome.revision} stays in force`;
    stderr.write(`fullnat: ${said}\n`);
    return 0;
  },
});
