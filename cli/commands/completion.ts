/** `fullnat completion`: the script with which a shell completes our commands. */
import { choice } from '../choice.ts';
import { argument, command } from '../command.ts';
import { SCRIPTS, SHELLS } from '../completion/scripts.ts';

export const completion = command({
  name: 'completion',
  summary: 'Print what bash, zsh or fish need to complete fullnat commands with the TAB key',
  details:
    'Completes commands, options, their values, and the names of listeners, pools, backends\n' +
    'and clients that a running balancer knows. Without one it completes the rest.\n\n' +
    'The Debian package brings all three; otherwise put one of the lines below where your\n' +
    'shell reads it at each start: ~/.bashrc, ~/.zshrc (after compinit) or\n' +
    '~/.config/fish/config.fish.',
  arguments: { shell: argument('<shell>', SHELLS.join(', '), choice('shell', SHELLS)) },
  options: {},
  examples: [
    { command: 'fullnat completion bash', does: 'used as: source <(fullnat completion bash)' },
    { command: 'fullnat completion zsh', does: 'used as: source <(fullnat completion zsh)' },
    { command: 'fullnat completion fish', does: 'used as: fullnat completion fish | source' },
  ],
  handler: async ({ arguments: { shell } }, { stdout }) => {
    stdout.write(SCRIPTS[shell]);
    return 0;
  },
});
