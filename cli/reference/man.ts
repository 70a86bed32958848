/** The manual pages of section 1: one of fullnat, and one of each command. */
import type { Command, Group } from '../command.ts';
import { bareName, entriesOf, helpOf, isMany, isOptional, paragraphsOf } from './entries.ts';
import type { Entry } from './entries.ts';
import { display, flags, page, paragraph, section, tagged, word } from './mdoc.ts';

const ABOUT =
  'fullnat is a layer-4 load balancer for Linux in full-NAT mode whose real servers see the real ' +
  'client, without the collisions of source ports that such systems have, and which tells by itself ' +
  'which hop lost a connection, and why. The data plane is eBPF in the kernel: it goes on forwarding ' +
  'while no daemon runs.';

const FILES = [
  { path: '/etc/fullnat/balancer.yaml', text: 'What fullnat-balancer.service balances.' },
  { path: '/etc/fullnat/agent.yaml', text: 'What fullnat-agent.service restores.' },
  { path: '/run/fullnat/INSTANCE', text: 'Sockets of the daemons of an instance.' },
  {
    path: '/sys/fs/bpf/fullnat/INSTANCE',
    text: 'Programs and maps in the kernel; they outlive the daemons.',
  },
];

/** By file name. */
export function manPages(
  registry: readonly (Command | Group)[],
  date: Date,
): ReadonlyMap<string, string> {
  const entries = entriesOf(registry);
  return new Map([
    ['fullnat.1', overview(entries, date)],
    ...entries.map((entry) => [`${pageName(entry)}.1`, commandPage(entry, date)] as const),
  ]);
}

function overview(entries: readonly Entry[], date: Date): string {
  const head = {
    name: 'fullnat',
    section: 1,
    does: 'full-NAT load balancer whose servers see the real client',
    date,
  } as const;
  return page(head, [
    section('Synopsis', [
      '.Nm',
      '.Ar command',
      '.Op Ar options',
      '.Op Ar arguments',
      '.Nm',
      '.Fl -help',
      '.Nm',
      '.Fl -version',
    ]),
    section(
      'Description',
      paragraph(ABOUT),
      paragraph('The commands are:'),
      tagged(
        entries.map((entry) => ({
          tag: `Xr ${pageName(entry)} 1`,
          text: `${entry.command.summary}.`,
        })),
      ),
    ),
    section(
      'Environment',
      tagged([
        { tag: 'Ev NO_COLOR', text: 'When set and not empty, nothing is coloured.' },
        { tag: 'Ev TERM', text: 'When dumb, nothing is coloured.' },
      ]),
    ),
    section('Files', tagged(FILES.map(({ path, text }) => ({ tag: `Pa ${path}`, text })))),
    exitStatus(),
    seeAlso(['fullnat.yaml 5']),
  ]);
}

function commandPage(entry: Entry, date: Date): string {
  const { path, command } = entry;
  const [arguments_, options] = [Object.values(command.arguments), Object.values(command.options)];
  const head = {
    name: pageName(entry),
    section: 1,
    date,
    does: command.summary.replace(/\.$/, ''),
  } as const;
  return page(head, [
    section('Synopsis', [
      `.Nm ${word(`fullnat ${path}`)}`,
      ...options.map(
        (option) => `.Op ${flags(option.flags)}${option.isList === true ? ' ...' : ''}`,
      ),
      ...arguments_.map(
        (argument) =>
          `.${isOptional(argument) ? 'Op ' : ''}Ar ${word(bareName(argument))}` +
          (isMany(argument) ? ' ...' : ''),
      ),
    ]),
    section(
      'Description',
      paragraph(`${command.summary.replace(/\.$/, '')}.`),
      ...paragraphsOf(command).map(({ kind, text }) =>
        kind === 'prose' ? paragraph(text) : display(text.split('\n')),
      ),
      ...(arguments_.length + options.length === 0
        ? []
        : [paragraph('Arguments and options are as follows.')]),
      tagged([
        ...arguments_.map((argument) => ({
          tag: `Ar ${word(bareName(argument))}`,
          text: argument.help,
        })),
        ...options.map((option) => ({ tag: flags(option.flags), text: helpOf(option) })),
      ]),
    ),
    exitStatus(),
    section(
      'Examples',
      ...command.examples.flatMap(({ command: line, does }) => [
        paragraph(`${does.charAt(0).toUpperCase()}${does.slice(1)}:`),
        display([line]),
      ]),
    ),
    seeAlso(['fullnat 1', 'fullnat.yaml 5']),
  ]);
}

function exitStatus(): string[] {
  return section(
    'Exit status',
    tagged([
      { tag: 'Li 0', text: 'Done.' },
      { tag: 'Li 1', text: 'Could not be done; the message says why, and what to do.' },
      { tag: 'Li 2', text: 'Bad usage or bad input; nothing was touched.' },
    ]),
    paragraph('Commands with further codes name them in their description.'),
  );
}

function seeAlso(pages: readonly string[]): string[] {
  return section(
    'See also',
    pages.map((each, i) => `.Xr ${each}${i + 1 < pages.length ? ' ,' : ''}`),
  );
}

function pageName({ path }: Entry): string {
  return `fullnat-${path.replaceAll(' ', '-')}`;
}
