/** `fullnat describe`: one listener, backend, local, session or server, and what belongs to it. */
import { argument, command, optionOr, type Context } from '../command.ts';
import { choice } from '../choice.ts';
import { describe as look, KINDS, type Description } from '../describe.ts';
import { namedTarget, targetOptions } from '../api/target.ts';
import { asYaml } from '../output/format.ts';
import { asJson } from '../output/json.ts';
import { printable } from '../output/style.ts';
import { RESOURCES, type Resource } from '../resources.ts';
import { render, shownColumns } from './get.ts';

export const describe = command({
  name: 'describe',
  summary: 'Show one listener, backend, local, session or server, and what belongs to it',
  details:
    'A name is what `fullnat get … -o name` prints: a listener by name or address, a backend by\n' +
    "address, name or POOL/ADDRESS, a session by its client's ADDRESS:PORT or its local's.",
  arguments: {
    kind: argument('<kind>', KINDS.join(', '), choice('kind', KINDS)),
    name: argument('<name>', 'which one', (word) => word),
  },
  options: {
    output: optionOr(
      '-o, --output <format>',
      'text, json or yaml',
      choice('output format', ['text', 'json', 'yaml']),
      'text',
    ),
    ...targetOptions,
  },
  examples: [
    { command: 'fullnat describe listener web', does: 'its traffic, handshakes and backends' },
    { command: 'fullnat describe backend 10.0.98.79:8056', does: 'its state, ports and sessions' },
    {
      command: 'fullnat describe session 10.0.88.100:21521',
      does: 'where one connection of a client goes',
    },
  ],
  handler: async ({ arguments: { kind, name }, options }, context) => {
    const found = await look(kind, name, {
      instance: options.instance,
      target: namedTarget(options),
    });
    context.stdout.write(written(found, options.output, context));
    return 0;
  },
});

function written(
  found: readonly Description[],
  output: 'text' | 'json' | 'yaml',
  context: Context,
): string {
  const values = found.map(({ row, related }) => ({
    ...row,
    related: Object.fromEntries(related.map(({ heading, rows }) => [heading, rows])),
  }));
  switch (output) {
    case 'json':
      return asJson(values);
    case 'yaml':
      return asYaml(values);
    case 'text':
      return found.map((one) => asText(one, context)).join('\n');
  }
}

export function asText({ resource, row, more, related }: Description, context: Context): string {
  const spec: Resource = RESOURCES[resource];
  const { style } = context.stdout;
  const facts = [
    ...shownColumns(spec, [row], 'wide').map((column) => ({
      label: column.heading.toLowerCase(),
      text: column.text(row),
      paint: column.paint?.(row, style),
    })),
    ...more.map((fact) => ({ ...fact, paint: undefined })),
  ];
  const width = facts.reduce((most, { label }) => Math.max(most, label.length), 0);
  const lines = facts.map(({ label, text, paint = (same: string) => same }) => {
    const value = printable(text) || '-';
    return `${style.quiet(label.padEnd(width))}  ${paint(value)}\n`;
  });
  const tables = related
    .filter(({ rows }) => rows.length > 0)
    .map(
      ({ heading, resource: list, rows }) =>
        `\n${style.strong(heading)}\n${indented(render(list, RESOURCES[list], rows, 'table', context))}`,
    );
  return [...lines, ...tables].join('');
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
