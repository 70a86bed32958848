/** How the demo reads: packets as capture lines, each step with what it claims and whether it held. */
import type { Attempt } from '../../diagnose/probe/probe.ts';
import type { Case, Dropped, Remapped } from '../../lab/demo/collision.ts';
import { HELD_PORT, PROBED_PORTS } from '../../lab/demo/collision.ts';
import type { Segment, Sighting } from '../../lab/demo/handshakes.ts';
import { destinationOf, sourceOf } from '../../lab/demo/handshakes.ts';
import { LISTENER, SERVER, type OneConnection } from '../../lab/demo/one-connection.ts';
import type { Teller } from '../../lab/demo/story.ts';
import { LOAD, type UnderLoad } from '../../lab/demo/under-load.ts';
import { printPacket } from '../../packet/print.ts';
import type { Context, Sink } from '../command.ts';
import { asYaml } from './format.ts';
import { attemptLine } from './probe.ts';
import type { Progress } from './progress.ts';
import { table } from './table.ts';
import { wrap } from './wrap.ts';

const COLUMNS_MOST = 120;
const INDENT = '   ';
const POINT_WIDTH = 11;
const EMPTY_LINE = '\n';

type Place = { readonly stdout: Sink; readonly progress: Progress; readonly instance: string };

export function demoTeller({ stdout, progress, instance }: Place): Teller {
  const { style } = stdout;
  const columns = Math.min(stdout.columns, COLUMNS_MOST);
  let isNoteDue = true;

  const write = (text: string) => {
    progress.clear();
    stdout.write(text);
  };
  const say = (text: string) => write(wrap(INDENT, text.split(' '), columns));
  const chapter = (title: string) => write(`\n${style.strong(title)}\n`);
  const shell = (role: string, command: string) =>
    write(style.quiet(wrap(`${INDENT}${instance}-${role}$ `, command.split(' '), columns)));
  const packets = (segments: readonly Segment[]) => {
    for (const segment of segments) write(captureLine(segment, columns));
  };
  const collisions = (rows: readonly object[]) => {
    shell('host', `fullnat get collisions --instance ${instance} -o yaml`);
    const last = rows.slice(-1).map((row) => ({ daemon: 'agent', ...row }));
    write(indented(asYaml(last)));
    if (rows.length > 1) say(`(the last of ${rows.length})`);
  };

  return {
    doing: (what, seconds) => progress.begin(what, seconds),
    built: (seconds, namespaces) => {
      write(`${style.strong('fullnat: a balancer whose servers see the real client')}\n\n`);
      write(PATH);
      say(
        `Built in ${seconds.toFixed(1)} s: ${namespaces} network namespaces, a balancer, an agent, a server.`,
      );
    },

    oneConnection: ({ command, answer, sightings }: OneConnection) => {
      chapter('1  One connection, seen at four points');
      shell('client', command);
      write(`${INDENT}${answer}\n\n`);
      packets(sightings.flatMap(({ syns }) => syns));
      packets(sightings.toReversed().flatMap(({ answers }) => answers));
      write(EMPTY_LINE);
      write(
        indented(
          table(
            [
              { heading: 'POINT', text: ({ point }) => point },
              { heading: 'FROM', text: (sighting) => endOf(sighting, sourceOf) },
              { heading: 'TO', text: (sighting) => endOf(sighting, destinationOf) },
              { heading: 'BECAUSE', text: ({ point }) => BECAUSE[point] },
            ],
            sightings,
            style,
          ),
        ),
      );
      write(EMPTY_LINE);
    },

    caseOpened: ({ line }: Case) => {
      chapter('2  The case: one source port, used twice by one client  (policy drop)');
      say(
        `A direct connection from port ${HELD_PORT} to ${SERVER} is open; on it the server says: ${line}.`,
      );
      say(
        `To ${LISTENER} the client may use port ${HELD_PORT} as well: another destination, another connection. ` +
          `Behind the agent both are 10.0.88.100:${HELD_PORT} -> ${SERVER}.`,
      );
      shell('client', `fullnat probe ${LISTENER} --source-port ${PROBED_PORTS} --reset`);
      isNoteDue = true;
      progress.begin('probing five source ports');
    },

    attempt: (attempt: Attempt) => {
      write(`${INDENT}${attemptLine(attempt, style)}`);
      if (isNoteDue && attempt.source?.port === HELD_PORT - 1) {
        isNoteDue = false;
        progress.begin(`waiting for an answer to the SYN from port ${HELD_PORT}`);
      }
    },

    dropped: ({ otherClient, walks, collisions: rows }: Dropped) => {
      shell('client2', `fullnat probe ${LISTENER} --source-port ${HELD_PORT} --count 1`);
      for (const attempt of otherClient) write(`${INDENT}${attemptLine(attempt, style)}`);
      write(EMPTY_LINE);
      say('SYNs and SYN+ACKs of the same client, as in the report:');
      write(
        indented(
          table(
            [
              { heading: 'POINT', text: ({ point }) => point },
              ...walks.map(({ name, sightings }) => ({
                heading: name.toUpperCase(),
                text: ({ point }: { point: string }) => seenAt(sightings, point),
                paint: ({ point }: { point: string }) =>
                  seenAt(sightings, point) === NOTHING ? style.bad : (text: string) => text,
              })),
            ],
            walks[0]?.sightings ?? [],
            style,
          ),
        ),
      );
      write(EMPTY_LINE);
      packets(walks.flatMap(({ sightings }) => sightings.slice(1, 2)).flatMap(({ syns }) => syns));
      packets(walks.flatMap(({ sightings }) => sightings.slice(2, 3)).flatMap(({ syns }) => syns));
      write(EMPTY_LINE);
      collisions(rows);
      write(EMPTY_LINE);
    },

    policyChanged: (seconds) => {
      chapter('3  The same under policy remap');
      say(
        `The agent was started again with onCollision: remap in ${seconds.toFixed(1)} s; the direct connection stays open.`,
      );
      shell('client', `fullnat probe ${LISTENER} --source-port ${PROBED_PORTS} --reset`);
    },

    remapped: ({ balancedLine, directLine, sightings, collisions: rows }: Remapped) => {
      write(EMPTY_LINE);
      say(`Two connections from port ${HELD_PORT}, both open, and what the server says on each:`);
      say(`direct    ${directLine}`);
      say(`balanced  ${balancedLine}`);
      packets(sightings.slice(0, 3).flatMap(({ syns }) => syns));
      write(EMPTY_LINE);
      collisions(rows);
      write(EMPTY_LINE);
    },

    loadBegins: () => {
      const { perSecond, seconds, range } = LOAD;
      chapter('4  Under load');
      say(
        `${perSecond} direct and ${perSecond} balanced connections per second, side by side, for ${seconds} s; ` +
          `ephemeral ports ${range.low}-${range.high}; the server closes first.`,
      );
      say(
        'predicted failures = attempts x (direct tuples, live and resting, averaged over the run / ports to choose from)',
      );
    },

    load: (policy, { load, collisions: met }: UnderLoad) => {
      const share = (count: number) => `${((100 * count) / load.attempts).toFixed(1)} %`;
      const counted = `${load.failures} of ${load.attempts} failed (${share(load.failures)})`;
      const rest =
        policy === 'drop'
          ? `predicted ${load.predicted.toFixed(0)} (${share(load.predicted)}): ${load.directTuples.toFixed(0)} tuples / ${load.choices} ports`
          : `${met} collisions, all remapped`;
      const paint = load.failures > 0 ? style.bad : style.good;
      write(`${INDENT}${policy.padEnd(6)} ${paint(counted.padEnd(28))}  ${rest}\n`);
    },

    expectations: (list) => {
      for (const { sentence, holds } of list)
        write(
          paintFirst(
            wrap(`${INDENT}${holds ? 'ok' : 'FAILED'}  `, sentence.split(' '), columns),
            holds ? 'ok' : 'FAILED',
            holds ? style.good : style.bad,
          ),
        );
    },
  };
}

/** What to do now, after everything was told. */
export function farewell(instance: string, { style, columns }: Context['stdout']): string {
  const commands = [
    {
      does: 'a balanced connection',
      command: `npx fullnat lab exec --instance ${instance} client -- curl -s http://${LISTENER}/`,
    },
    {
      does: 'a collision by hand: directly, then balanced, from one source port',
      command:
        `npx fullnat lab exec --instance ${instance} client -- curl -s --local-port ${HELD_PORT} ` +
        `-H Connection:\\ close http://${SERVER}/ http://${LISTENER}/`,
    },
    {
      does: 'the collisions that the agent has seen',
      command: `npx fullnat get collisions --instance ${instance}`,
    },
  ];
  return [
    `\n${style.strong('The lab is up. Try:')}\n`,
    ...commands.map(
      ({ does, command }) =>
        `${INDENT}${style.quiet(`# ${does}`)}\n${brokenShell(command, columns)}`,
    ),
    `${INDENT}${style.quiet('# and when you have seen enough')}\n`,
    `${INDENT}npx fullnat lab down --instance ${instance}\n`,
  ].join('');
}

const PATH = `\
   client ────────▶ balancer ───────────────▶ host ─────────────────▶ server
   10.0.88.100      VIP 10.0.23.111:18056     eth0 ─ agent ─ vnet1    10.0.98.79:8056
                    LIP 10.0.124.161
   ▲ client                                   ▲ host-nic     ▲ host-vnic  ▲ server
`;

const BECAUSE: Readonly<Record<Sighting['point'], string>> = {
  client: 'the client asks for the service',
  'host-nic': 'balancer: both ends changed',
  'host-vnic': 'agent: the client put back',
  server: 'the server sees its client',
};

const NOTHING = 'nothing';

function seenAt(sightings: readonly Sighting[], point: string): string {
  const { syns, answers } = sightings.find((sighting) => sighting.point === point) ?? {
    syns: [],
    answers: [],
  };
  if (syns.length === 0) return NOTHING;
  const syn = syns.length === 1 ? 'SYN' : `SYN x${syns.length}`;
  return answers.length === 0 ? `${syn}, no answer` : `${syn}, SYN+ACK`;
}

function endOf({ syns: [syn] }: Sighting, end: (segment: Segment) => string): string {
  return syn === undefined ? '-' : end(syn);
}

/** As tcpdump prints it, with the point in front; of the options only TOA is of interest here. */
function captureLine({ point, time, packet }: Segment, columns: number): string {
  const options = packet.tcp.options.filter(({ kind }) => kind === 'toa');
  const utcOffsetSeconds = -60 * new Date(Number(time / 1_000_000n)).getTimezoneOffset();
  const line = printPacket(
    { ...packet, tcp: { ...packet.tcp, options } },
    { time, utcOffsetSeconds },
  );
  const [words = '', toa] = line.split(' <');
  const parts = [...words.split(' '), ...(toa === undefined ? [] : [`<${toa}`])];
  return wrap(`${INDENT}${point.padEnd(POINT_WIDTH)}`, parts, columns);
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, INDENT);
}

function paintFirst(text: string, word: string, paint: (word: string) => string): string {
  return text.replace(word, paint(word));
}

/** Lines that a shell takes as one. */
function brokenShell(command: string, columns: number): string {
  if (INDENT.length + command.length <= columns) return `${INDENT}${command}\n`;
  const at = command.indexOf(' -- ') + 3;
  return `${INDENT}${command.slice(0, at)} \\\n${INDENT}  ${command.slice(at + 1)}\n`;
}
