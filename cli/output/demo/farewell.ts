/** What to try in the lab that the demo leaves up. */
import { LISTENER, SERVER } from '../../../lab/demo/one-connection.ts';
import type { Sink } from '../../command.ts';

const INDENT = '   ';
/**
 * One that the demo has left alone: its own rest on the client for a minute. A probe
 * resets, so that the port is free on the client at once; in the agent's table it rests.
 */
const FRESH_PORT = 30_000;
/** Lines of one collision in YAML. */
const COLLISION_LINES = 12;

/** Each command can be copied as it stands, also where it takes two lines. */
export function farewell(instance: string, { style, columns }: Sink): string {
  const commands = [
    {
      does: 'a balanced connection',
      command: `npx fullnat lab exec --instance ${instance} client -- curl -s http://${LISTENER}/`,
    },
    {
      does: 'a collision of your own: directly, then balanced, from one source port',
      command:
        `npx fullnat lab exec --instance ${instance} client -- ` +
        `sh -c 'for to in ${SERVER} ${LISTENER}; do ` +
        `fullnat probe $to --source-port ${FRESH_PORT} --count 1 --reset; done'`,
    },
    {
      does: 'what the agent has to say about it',
      command: `npx fullnat get collisions --instance ${instance} -o yaml | tail -n ${COLLISION_LINES}`,
    },
  ];
  return [
    `\n${style.strong('The lab is up. Try:')}\n`,
    ...commands.map(
      ({ does, command }) =>
        `${INDENT}${style.quiet(`# ${does}`)}\n${inTwoLines(command, columns)}`,
    ),
    `${INDENT}${style.quiet('# and when you have seen enough')}\n`,
    `${INDENT}npx fullnat lab down --instance ${instance}\n`,
  ].join('');
}

/** Where it does not fit one; a shell takes them as one. */
function inTwoLines(command: string, columns: number): string {
  const [first, second] = command.split(' -- ');
  if (second === undefined || INDENT.length + command.length <= columns)
    return `${INDENT}${command}\n`;
  return `${INDENT}${first} -- \\\n${INDENT}  ${second}\n`;
}
