/** How the demo reads: each step with its packets, what it claims, and whether that held. */
import type { Attempt } from '../../../diagnose/probe/probe.ts';
import { Tally } from '../../../diagnose/probe/summary.ts';
import { HELD_PORT, PROBE } from '../../../lab/demo/collision.ts';
import type { Segment } from '../../../lab/demo/handshakes.ts';
import { LISTENER, SERVER } from '../../../lab/demo/one-connection.ts';
import type { Teller } from '../../../lab/demo/story.ts';
import { LOAD, type UnderLoad } from '../../../lab/demo/under-load.ts';
import { CLIENT_ADDRESS } from '../../../lab/topology.ts';
import type { Sink } from '../../command.ts';
import { asYaml } from '../format.ts';
import { attemptLine, summaryText } from '../probe.ts';
import type { Progress } from '../progress.ts';
import { table } from '../table.ts';
import { wrap } from '../wrap.ts';
import { addressTable, captureLine, sightingTable } from './packets.ts';

type Place = { readonly stdout: Sink; readonly progress: Progress; readonly instance: string };

/** Longer lines are hard to read, however wide the terminal is. */
const COLUMNS_MOST = 120;
const INDENT = '   ';

const PATH = `\
   client ──────▶ balancer ────────────▶ host ───────────────▶ server
   10.0.88.100    10.0.23.111:18056      eth0 ─ agent ─ vnet1  10.0.98.79:8056
                  local 10.0.124.161
   ▲ client                              ▲ host-nic     ▲ host-vnic  ▲ server
`;

export function demoTeller({ stdout, progress, instance }: Place): Teller {
  const { style } = stdout;
  const columns = Math.min(stdout.columns, COLUMNS_MOST);

  const write = (text: string) => {
    progress.giveWay();
    stdout.write(text);
  };
  const block = (text: string) => write(text.replaceAll(/^(?=.)/gm, INDENT));
  const say = (text: string) => write(wrap(INDENT, text.split(' '), columns));
  const gap = () => write('\n');
  const chapter = (title: string) => write(`\n${style.strong(title)}\n`);
  const shell = (role: string, command: string) =>
    write(style.quiet(wrap(`${INDENT}${instance}-${role}$ `, command.split(' '), columns)));
  const packets = (segments: readonly Segment[]) => {
    for (const segment of segments) write(captureLine(segment, INDENT, columns));
  };
  const attempt = (made: Attempt) => block(attemptLine(made, style));
  const summary = (attempts: readonly Attempt[]) => {
    const tally = new Tally();
    for (const made of attempts) tally.add(made);
    block(summaryText(LISTENER, tally.summary(), { close: 'reset' }, style));
  };
  const collisions = (rows: readonly object[]) => {
    shell('host', `fullnat get collisions --instance ${instance} -o yaml`);
    if (rows.length > 1) say(`(the last of ${rows.length})`);
    block(asYaml(rows.slice(-1).map((row) => ({ daemon: 'agent', ...row }))));
  };
  const probeCommand = `fullnat probe ${LISTENER} --source-port ${PROBE.ports} --interval ${PROBE.intervalMs}ms --timeout ${PROBE.timeoutMs}ms --reset`;

  return {
    begins: (what) => progress.begin(what),
    ended: () => progress.end(),

    built: (seconds, namespaces) => {
      write(`${style.strong('fullnat: a balancer whose servers see the real client')}\n\n`);
      write(PATH);
      gap();
      say(
        `Built in ${seconds.toFixed(1)} s: ${namespaces} network namespaces, with a balancer, an agent and a server in them.`,
      );
    },

    oneConnection: ({ command, answer, sightings }) => {
      chapter('1  One connection, seen at four points');
      shell('client', command);
      say(answer);
      gap();
      say('Its SYN on the way to the server, and the SYN+ACK on the way back:');
      packets(sightings.flatMap(({ syns }) => syns));
      packets(sightings.toReversed().flatMap(({ answers }) => answers));
      gap();
      block(addressTable(sightings, style));
      gap();
      say(
        'Full NAT: the balancer changes both addresses, so that the answer comes back through it. ' +
          "The client's address rides along in a TCP option (TOA). " +
          'The agent puts it back, so that the server sees who connects.',
      );
      gap();
    },

    caseOpened: ({ line }) => {
      chapter('2  The case, under policy drop: one source port, used twice');
      say(`A direct connection to ${SERVER} is open. On it the server says: ${line}`);
      say(
        `To ${LISTENER} the client may use port ${HELD_PORT} as well: another destination, so another ` +
          `connection. Once the client is put back, both are ${CLIENT_ADDRESS}:${HELD_PORT} to ${SERVER}.`,
      );
      gap();
      shell('client', probeCommand);
    },

    attempt,

    dropped: ({ attempts, otherClient, walks, collisions: rows }) => {
      summary(attempts);
      gap();
      shell('client2', `fullnat probe ${LISTENER} --source-port ${HELD_PORT} --count 1 --reset`);
      otherClient.forEach(attempt);
      gap();
      say(`SYNs of ${CLIENT_ADDRESS}, two direct connections beside the balanced one:`);
      block(sightingTable(walks, style));
      gap();
      for (const at of [1, 2]) packets(walks.flatMap(({ sightings }) => sightings[at]?.syns ?? []));
      gap();
      collisions(rows);
      gap();
    },

    policyChanged: (seconds) => {
      chapter('3  The same, under policy remap');
      say(
        `The agent was started again with onCollision: remap, which took ${seconds.toFixed(1)} s. ` +
          'The direct connection is still open.',
      );
      gap();
      shell('client', probeCommand);
    },

    remapped: ({ attempts, balancedLine, directLine, sightings, collisions: rows }) => {
      summary(attempts);
      gap();
      say(`Two connections from port ${HELD_PORT}, both open; on each the server says:`);
      say(`direct    ${directLine}`);
      say(`balanced  ${balancedLine}`);
      packets(sightings.flatMap(({ syns }) => syns));
      gap();
      collisions(rows);
      gap();
    },

    loadBegins: () => {
      const { perSecond, seconds, range } = LOAD;
      chapter('4  The same under load');
      say(
        `${perSecond} direct and ${perSecond} balanced connections per second side by side for ${seconds} s, ` +
          `from one client with ephemeral ports ${range.low}-${range.high}; the server closes first.`,
      );
      say(
        'Predicted failures = attempts x direct tuples, live and resting (mean) / ports to choose from.',
      );
      say('(Linux gives connect() every second port of the range until those are used up.)');
      gap();
    },

    loads: (results) => {
      block(loadTable(results));
      gap();
    },

    expectations: (list) => {
      for (const { sentence, holds } of list) {
        const word = holds ? 'ok' : 'FAILED';
        const lines = wrap(`${INDENT}${word}  `, sentence.split(' '), columns);
        write(lines.replace(word, holds ? style.good : style.bad));
      }
    },
  };

  function loadTable(results: readonly UnderLoad[]): string {
    const share = (count: number, { load }: UnderLoad) =>
      `${count.toFixed(0)} (${((100 * count) / load.attempts).toFixed(1)} %)`;
    return table(
      [
        { heading: 'POLICY', text: ({ policy }) => policy },
        { heading: 'BALANCED', text: ({ load }) => String(load.attempts), align: 'right' },
        {
          heading: 'FAILED',
          text: (result) => share(result.load.failures, result),
          align: 'right',
          paint: ({ load }) => (load.failures > 0 ? style.bad : style.good),
        },
        {
          heading: 'PREDICTED',
          text: (result) => (result.policy === 'drop' ? share(result.load.predicted, result) : ''),
          align: 'right',
        },
        {
          heading: 'DIRECT FAILED',
          text: ({ load }) => String(sum(load.direct.map(({ failures }) => failures.length))),
          align: 'right',
        },
        { heading: 'COLLIDING SYNS', text: ({ collisions: met }) => String(met), align: 'right' },
      ],
      results,
      style,
    );
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
