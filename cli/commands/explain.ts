/** `fullnat explain`: where a client's connection goes, and why; nothing is changed by the question. */
import type { Explanation } from '../../control/api/rows.ts';
import { formatEndpoint, parseEndpoint } from '../../packet/address.ts';
import { askValue } from '../api/ask.ts';
import { daemonTarget } from '../api/daemon-option.ts';
import { targetOptions } from '../api/target.ts';
import { choice } from '../choice.ts';
import { argument, command, CommandError, optionOr, UsageError } from '../command.ts';
import { ask, type Row } from '../daemons.ts';
import { asYaml } from '../output/format.ts';
import { asJson } from '../output/json.ts';
import { printable, type Paint, type Style } from '../output/style.ts';

const EXIT_REFUSED = 10;
/** The kernel verifies a copy of the programs: a second, several on a busy machine. */
const PATIENCE_MS = 60_000;
const LABEL_WIDTH = 'server sees'.length;

export const explain = command({
  name: 'explain',
  summary:
    "Say where a client's connection goes and why: backend, local port, what the server sees",
  details:
    'A connection that has a session is looked up. For any other the loaded program itself is asked:\n' +
    'a copy of it, with copies of the tables that decide, gets a SYN; what forwards is not touched.\n' +
    'That takes a second or more, since the kernel verifies the copy.\n' +
    'The next SYN of anybody moves on what is next in turn, so the answer is true for now.\n\n' +
    `Exit code: 0 it is forwarded, ${EXIT_REFUSED} it is refused or nobody listens.`,
  arguments: {
    client: argument('<client>', "the client's ADDRESS:PORT", readEnd),
    listener: argument('<listener>', "the listener's ADDRESS:PORT", readEnd),
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
    {
      command: 'fullnat explain 10.0.88.100:21521 10.0.23.111:18056',
      does: 'where this connection is, or would go',
    },
  ],
  handler: async ({ arguments: { client, listener }, options }, { stdout }) => {
    const told = await askValue<Explanation>(daemonTarget({ ...options, daemon: 'balancer' }), {
      method: 'GET',
      path: '/v1/explain',
      query: { client, listener },
      timeoutMs: PATIENCE_MS,
    });
    const owner = await ownerOf(told, options.instance);
    const value = owner === undefined ? told : { ...told, owner };
    stdout.write(
      options.output === 'json'
        ? asJson(value)
        : options.output === 'yaml'
          ? asYaml(value)
          : asText(told, owner, stdout.style),
    );
    return told.backend === null ? EXIT_REFUSED : 0;
  },
});

/** Whether another connection has the tuple at the server, where the agent of this machine knows. */
async function ownerOf(
  { kind, backend, serverSees, local }: Explanation,
  instance: string,
): Promise<Row | undefined> {
  if (kind !== 'hypothetical' || backend === null || serverSees === null) return undefined;
  try {
    const query = { visible: serverSees, server: backend };
    const { rows } = await ask('sessions', {
      ...{ instance, target: undefined, daemons: ['agent'], query },
    });
    /* its own session, which rests there as well, is no other connection */
    return rows.find((row) => row['local'] !== local);
  } catch (error) {
    if (error instanceof CommandError || error instanceof UsageError) return undefined;
    throw error;
  }
}

export function asText(told: Explanation, owner: Row | undefined, style: Style): string {
  const line = (label: string, text: string, paint: Paint = (same) => same) =>
    `${style.quiet(label.padEnd(LABEL_WIDTH))}  ${paint(printable(text))}\n`;
  const { client, listener, local, backend, serverSees } = told;
  const why = [...told.why, ...(owner === undefined ? [] : [collisionOf(owner)])];
  return [
    line('connection', `${client} → ${listener}`),
    line('answer', WORDS[told.kind](told), backend === null ? style.bad : style.good),
    ...(backend === null ? [] : [line('leaves as', `${local ?? ''} → ${backend}`)]),
    ...(serverSees === null ? [] : [line('server sees', `${serverSees} → ${backend ?? ''}`)]),
    ...why.map((each, i) => line(i === 0 ? 'why' : '', each)),
  ].join('');
}

const WORDS: Readonly<Record<Explanation['kind'], (told: Explanation) => string>> = {
  live: ({ state }) => `a session has it: ${state ?? ''}`,
  hypothetical: () => 'it has no live session; a SYN now would get this',
  refused: ({ verdict }) => `a SYN now would be refused: ${verdict}`,
  'no-listener': () => 'not balanced',
};

function collisionOf(owner: Row): string {
  const [kind, state] = [owner['kind'], owner['state']].map(String);
  return `at the server a ${kind} connection, ${state}, has that tuple: the agent would act by onCollision`;
}

function readEnd(text: string): string {
  const read = parseEndpoint(text);
  if (!read.ok) throw new UsageError(`bad address and port \`${text}\`: ${read.message}`);
  return formatEndpoint(read.value);
}
