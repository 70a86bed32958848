/** `fullnat import`: the configuration of another balancer as ours. */
import { networkInterfaces } from 'node:os';
import { readConfig } from '../../control/config/read.ts';
import { choice } from '../choice.ts';
import { argument, command, CommandError, listOption, UsageError } from '../command.ts';
import type { Importer } from '../import/draft.ts';
import { importHaproxy } from '../import/haproxy.ts';
import { importIpvsadm } from '../import/ipvsadm.ts';
import { importKeepalived } from '../import/keepalived.ts';
import { importNginxStream } from '../import/nginx-stream.ts';
import { toYaml } from '../import/write.ts';
import { readInput } from '../input.ts';

const IMPORTERS = {
  ipvsadm: importIpvsadm,
  keepalived: importKeepalived,
  'nginx-stream': importNginxStream,
  haproxy: importHaproxy,
} as const satisfies Record<string, Importer>;
const FORMATS = Object.keys(IMPORTERS) as (keyof typeof IMPORTERS)[];

export const importCommand = command({
  name: 'import',
  summary: 'Make a configuration out of that of IPVS, keepalived, nginx (stream) or HAProxy',
  details:
    'The configuration is written to stdout, and to stderr a line for everything that is not\n' +
    'carried over, or not quite: FILE:LINE: what. Read these: what they say is lost.\n\n' +
    'ipvsadm: what `ipvsadm-save -n` prints. The others: the file itself; files that it\n' +
    'includes are not read.\n\n' +
    'The balancer needs addresses of its own, and none of the others has them: give them\n' +
    'with --locals. Interfaces are all of this machine that have an IPv4 address, unless\n' +
    'they are given.\n\n' +
    'Exit code 1: nothing could be carried over, or it makes no configuration.',
  arguments: {
    format: argument('<format>', FORMATS.join(', '), choice('format', FORMATS)),
    file: argument('<file>', 'the other configuration; - reads standard input', (file) => file),
  },
  options: {
    locals: listOption(
      '--locals <cidr>',
      'addresses of the balancer’s own; required',
      (text) => text,
    ),
    interfaces: listOption('--interface <name>', 'where packets come in', (text) => text),
  },
  examples: [
    {
      command: 'fullnat import haproxy /etc/haproxy/haproxy.cfg --locals 10.0.124.160/28 > lb.yaml',
      does: 'then: fullnat check lb.yaml',
    },
    {
      command: 'fullnat import ipvsadm - --locals 10.0.124.160/28',
      does: 'what `ipvsadm-save -n |` says of the kernel',
    },
  ],
  handler: async ({ arguments: { format, file }, options }, { stdout, stderr }) => {
    if (options.locals.length === 0)
      throw new UsageError('--locals CIDR is missing: which addresses are the balancer’s own?');
    const shown = file === '-' ? '<stdin>' : file;
    const draft = IMPORTERS[format](await readInput(file));
    for (const { line, text } of draft.notes.toSorted((a, b) => a.line - b.line))
      stderr.write(`${shown}:${line}: ${text}\n`);
    if (draft.listeners.length === 0)
      throw new CommandError(`${shown}: nothing there that could be a listener`);
    const interfaces = options.interfaces.length > 0 ? options.interfaces : interfacesHere();
    const yaml = toYaml(draft, { from: `${format}, ${shown}`, interfaces, locals: options.locals });
    stdout.write(yaml);
    const read = readConfig(yaml, { file: 'the result' });
    if (read.ok) return 0;
    const problems = read.problems.map(({ line, message }) => `line ${line}: ${message}`);
    throw new CommandError(`the result is no configuration yet:\n  ${problems.join('\n  ')}`);
  },
});

function interfacesHere(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.some(({ family, internal }) => family === 'IPv4' && !internal) ? [name] : [],
  );
}
