/** `fullnat version`: the program, what it runs on, and which kernel programs it would load. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { command, optionOr } from '../command.ts';
import { choice } from '../choice.ts';
import { asYaml } from '../output/format.ts';
import { asJson } from '../output/json.ts';
import { packageVersion } from '../package-version.ts';

// From dist/cli/commands/ to the package.
const PACKAGE = new URL('../../../', import.meta.url);

const KERNEL_PROGRAMS = {
  balancer: 'dist/datapath/balancer/balancer.bpf.o',
  agent: 'dist/datapath/agent/agent.bpf.o',
  socket: 'dist/datapath/agent/socket.bpf.o',
};

export const version = command({
  name: 'version',
  summary: 'Show the version, Node, kernel, and the SHA-256 of the kernel programs',
  arguments: {},
  options: {
    output: optionOr(
      '-o, --output <format>',
      'text, json or yaml',
      choice('output format', ['text', 'json', 'yaml']),
      'text',
    ),
  },
  examples: [{ command: 'fullnat version -o json', does: 'for a bug report' }],
  handler: async ({ options: { output } }, { stdout }) => {
    const facts = {
      fullnat: packageVersion(),
      node: process.versions.node,
      kernel: release(),
      ...programHashes(),
    };
    if (output === 'json') stdout.write(asJson(facts));
    else if (output === 'yaml') stdout.write(asYaml(facts));
    else
      for (const [name, value] of Object.entries(facts))
        stdout.write(`${name.padEnd(14)} ${value ?? 'not built (npm run build)'}\n`);
    return 0;
  },
});

function programHashes(): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(KERNEL_PROGRAMS).map(([name, path]) => {
      const file = new URL(path, PACKAGE);
      const hash = existsSync(file)
        ? `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`
        : null;
      return [`${name}.bpf.o`, hash];
    }),
  );
}
