/** `fullnat __complete`: what the scripts of `fullnat completion` ask at each TAB. */
import { command, restArgument } from '../command.ts';
import { complete as completed } from '../completion/complete.ts';
import { liveNames } from '../completion/live-names.ts';
import { FILES_LINE } from '../completion/scripts.ts';

export const complete = command({
  name: '__complete',
  summary: 'Tell what may stand at the end of a command line; for shells',
  isHidden: true,
  arguments: { words: restArgument('[words...]', 'the line after `fullnat`, up to the cursor') },
  options: {},
  examples: [{ command: 'fullnat __complete -- get ba', does: 'a candidate a line' }],
  handler: async ({ arguments: { words } }, { stdout }) => {
    // The registry knows this file: it cannot be known here before it is.
    const { commandsFor } = await import('../registry.ts');
    const first = words[0] === 'help' ? words[1] : words[0];
    const registry = await commandsFor(first);
    const { candidates, files } = await completed(words, { registry, live: liveNames });
    for (const { word, does } of candidates)
      stdout.write(does === undefined || does === '' ? `${word}\n` : `${word}\t${does}\n`);
    if (files) stdout.write(`${FILES_LINE}\n`);
    return 0;
  },
});
