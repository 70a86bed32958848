/** `fullnat trace`: which hop lost a connection, out of capture files. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseIpEndpoint, type IpEndpoint } from '../../packet/ip.ts';
import { AddressBook } from '../../diagnose/correlate/address-book.ts';
import { SessionIndex, sessionRows, type SessionRow } from '../../diagnose/correlate/sessions.ts';
import { isFailed, Tracer, type Trace } from '../../diagnose/correlate/trace.ts';
import { parseDurationMs } from '../../control/config/duration.ts';
import type { MergedSource } from '../../diagnose/report/merged-capture.ts';
import { traceJson, tupleText } from '../../diagnose/report/trace-json.ts';
import { findingsOf } from '../../diagnose/findings/index.ts';
import { conversationText, failureLine, overviewText } from '../../diagnose/report/trace-text.ts';
import { capturedChunks, pointFiles, writeChunks, type PointFile } from '../capture-files.ts';
import {
  command,
  CommandError,
  flag,
  listOption,
  option,
  optionOr,
  restArgument,
  UsageError,
} from '../command.ts';
import { readLivePoint, type LivePoint } from '../live-point.ts';
import { wellRead } from '../read.ts';
import type { Row } from '../daemons.ts';
import { readPoints } from '../read-points.ts';
import { asJson } from '../output/json.ts';
import type { Context, Sink } from '../command.ts';

const EXIT_FAILED = 10;

export const trace = command({
  name: 'trace',
  summary: 'Find the hop that lost a connection, out of capture files of several points',
  details:
    'One file for each capture point, in the order of the path from client to server:\n' +
    'pcap or pcapng, also compressed with gzip; - is standard input. Connections are\n' +
    'followed through address changes by what survives them; how surely is printed.\n' +
    'Needs no privilege, and no load balancer of ours.\n\n' +
    'To capture, at each point: tcpdump -i IFACE -s 144 -w POINT.pcap \\\n' +
    `  '(tcp[13] & 7 != 0 and host ADDRESS) or icmp'\n\n` +
    'With --live it captures by itself, as root: headers of SYN, FIN and RST of the\n' +
    'listener and its servers, and ICMP errors about them, before and after what programs\n' +
    'and firewalls at the interface do to them. On this machine the kernel hands them over,\n' +
    'behind ssh tcpdump does; what is run is printed first. Where a daemon of ours runs,\n' +
    'say so, and nothing is guessed; without an interface, the daemon captures at its own:\n' +
    '  --at lb=eth0,balancer:/run/fullnat/INSTANCE/balancer.sock\n' +
    '  --at lb=balancer:/run/fullnat/INSTANCE/balancer.sock\n' +
    '  --at lb=ssh:root@lb1,balancer:/run/fullnat/INSTANCE/balancer.sock\n\n' +
    `Exit code: 0 no connection failed, ${EXIT_FAILED} some did, 1 a file could not be read, 2 bad usage.`,
  arguments: {
    files: restArgument('[name=file...]', 'capture files in path order, each with a name'),
  },
  options: {
    show: option('--show <address:port>', 'the connections of this client in full', (text) => text),
    json: flag('--json', 'as data: docs/reference/trace-json.md'),
    all: flag('--all', 'list connections that did not fail, too'),
    html: option('--html <file>', 'write one page that needs nothing else', (text) => text),
    write: option(
      '-w, --write <file>',
      'write one pcapng of all points, each packet with its connection as comment',
      (text) => text,
    ),
    live: option('--live <vip:port>', 'capture now, connections to this listener', (text) =>
      wellRead('--live', parseIpEndpoint(text)),
    ),
    at: listOption(
      '--at <name=where>',
      'where to capture, in path order: NAME=eth0, NAME=netns:NS/eth0, NAME=ssh:USER@HOST/eth0, NAME=balancer:SOCKET or NAME=agent:SOCKET',
      readLivePoint,
    ),
    backend: listOption(
      '--backend <address:port>',
      'a server behind the listener; a balancer of ours tells',
      (text) => wellRead('--backend', parseIpEndpoint(text)),
    ),
    for: optionOr('--for <duration>', 'how long to capture', readSeconds, 30, '30s'),
    untilFailure: flag('--until-failure', 'end when the first connection has failed'),
    save: option('--save <dir>', 'keep the captures in this folder', (text) => text),
    sessions: option(
      '--sessions <file|socket,...>',
      'what `fullnat get sessions -o json` printed, or the unix socket of a balancer or agent: no guess is needed then',
      (text) => text.split(','),
    ),
  },
  examples: [
    {
      command: 'fullnat trace client=c.pcap host-nic=n.pcap host-vnic=v.pcap server=s.pcap',
      does: 'a line for each connection that failed',
    },
    {
      command: 'fullnat trace client=c.pcap server=s.pcap --show 10.0.88.100:21521',
      does: 'one connection, step by step',
    },
    {
      command: 'fullnat trace client=c.pcap host=- --json',
      does: 'as data; the second point from a pipe: ssh HOST tcpdump -w - … |',
    },
    {
      command:
        'fullnat trace --live 10.0.23.111:18056 --backend 10.0.98.79:8056 --at client=eth0 --at server=ssh:root@web1/eth0 --until-failure',
      does: 'capture at two machines until a connection fails',
    },
  ],
  handler: async ({ arguments: { files }, options }, context) => {
    const { stdout, stderr } = context;
    const rows = (await Promise.all((options.sessions ?? []).map(readSessions))).flat();
    const { found, sources } =
      options.live === undefined
        ? await offline(files, rows, options, context)
        : await live(options.live, files, rows, options, context);
    if (options.json) stdout.write(asJson(traceJson(found, { all: options.all })));
    else if (options.live !== undefined && options.show === undefined) {
      // Failures were told as they happened, and not yet all that the kernel says of them.
      for (const line of kernelDropLines(found)) stderr.write(`${line}\n`);
      stderr.write(overviewText(found, stderr.style));
    } else print(found, options, stdout, stderr);
    // What few runs need is loaded by them: the rest should start without it.
    if (options.html !== undefined) {
      const { traceHtml } = await import('../../diagnose/report/trace-html.ts');
      write(options.html, traceHtml(found, { all: options.all }));
    }
    if (options.write !== undefined) {
      const { mergedCapture } = await import('../../diagnose/report/merged-capture.ts');
      await writeChunks(options.write, mergedCapture(found, sources()));
    }
    return found.conversations.some(isFailed) ? EXIT_FAILED : 0;
  },
});

interface Traced {
  readonly found: Trace;
  /** The captures once more, for one file of them all. */
  readonly sources: () => MergedSource[];
}

async function offline(
  files: readonly string[],
  rows: readonly SessionRow[],
  { write, at }: { write: string | undefined; at: readonly LivePoint[] },
  { stderr }: Context,
): Promise<Traced> {
  if (files.length === 0) throw new UsageError('give capture files, or --live VIP:PORT and --at');
  if (at.length > 0) throw new UsageError('--at is for --live VIP:PORT');
  const points = pointFiles(files);
  if (write !== undefined && points.some(({ path }) => path === '-'))
    throw new UsageError('--write reads the files twice, which standard input cannot be');
  const found = await traceFiles(points, rows);
  tellDamage(found, stderr);
  if (found.points.every(({ packets }) => packets === 0))
    throw new CommandError('none of the files has a packet that can be read');
  const sources = () => points.map(({ name, path }) => ({ name, chunks: capturedChunks(path) }));
  return { found, sources };
}

async function live(
  target: IpEndpoint,
  files: readonly string[],
  sessions: readonly SessionRow[],
  options: {
    at: readonly LivePoint[];
    backend: readonly IpEndpoint[];
    for: number;
    untilFailure: boolean;
    save: string | undefined;
    show: string | undefined;
    json: boolean;
  },
  context: Context,
): Promise<Traced> {
  const { at, backend: backends, untilFailure, save } = options;
  if (files.length > 0) throw new UsageError('--live captures by itself: give no files');
  if (at.length === 0) throw new UsageError('--live needs --at NAME=WHERE, once for each point');
  const twice = at.find(({ name }, i) => at.findIndex((one) => one.name === name) !== i);
  if (twice) throw new UsageError(`two capture points are called \`${twice.name}\``);
  const tellFailures = !options.json && options.show === undefined;
  const { traceLive } = await import('../live-trace.ts');
  const { trace: found, points } = await traceLive(
    { target, at, backends, untilFailure, save, tellFailures, sessions, forSeconds: options.for },
    context,
  );
  tellDamage(found, context.stderr);
  const sources = () => points.map(({ name, chunks }) => ({ name, chunks: inTurn(chunks) }));
  return { found, sources };
}

function tellDamage({ points }: Trace, stderr: Sink): void {
  for (const { name, damages } of points)
    for (const { message } of damages) stderr.write(`fullnat: ${name}: ${message}\n`);
}

async function* inTurn(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}

async function traceFiles(
  files: readonly PointFile[],
  rows: readonly SessionRow[],
): Promise<Trace> {
  const book = new AddressBook();
  const tracer = new Tracer({ book, sessions: new SessionIndex({ book }, rows) });
  for await (const point of readPoints({ book }, files)) tracer.add(point);
  return tracer.finish();
}

function kernelDropLines(found: Trace): string[] {
  return found.conversations
    .filter(isFailed)
    .flatMap((one) => findingsOf(found, one))
    .flatMap(({ code, message }) => (code === 'dropped-by-kernel' ? [message] : []));
}

function print(
  found: Trace,
  { show, all }: { show: string | undefined; all: boolean },
  stdout: Sink,
  stderr: Sink,
): void {
  // What a pipe reads has one line for each failure, however long.
  const columns = stdout.isTerminal ? stdout.columns : Infinity;
  if (show !== undefined) {
    const shown = found.conversations.filter(({ hops: [first] }) =>
      first === undefined ? false : tupleText(found, first).startsWith(`${show} > `),
    );
    if (shown.length === 0)
      throw new CommandError(`no connection of ${show} in these captures; try --all`);
    for (const one of shown)
      stdout.write(`${conversationText(found, one, stdout.style, columns)}\n`);
    return;
  }
  for (const one of found.conversations) {
    if (isFailed(one)) stdout.write(failureLine(found, one, stdout.style, columns));
    else if (all) stdout.write(conversationText(found, one, stdout.style, columns));
  }
  stderr.write(overviewText(found, stderr.style));
}

function readSeconds(text: string): number {
  return wellRead('--for', parseDurationMs(text)) / 1000;
}

async function readSessions(path: string): Promise<SessionRow[]> {
  try {
    return sessionRows(
      statSync(path).isSocket()
        ? await askedSessions(path)
        : JSON.parse(readFileSync(path, 'utf8')),
    );
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof SyntaxError || error instanceof RangeError)
      throw new UsageError(`--sessions ${path}: ${error.message}`);
    throw new CommandError(`--sessions ${path}: ${(error as Error).message}`);
  }
}

async function askedSessions(socket: string): Promise<readonly Row[]> {
  const { ask } = await import('../daemons.ts');
  const { rows } = await ask('sessions', {
    ...{ instance: '', target: { kind: 'socket', path: socket } },
    ...{ daemons: ['balancer', 'agent'], limit: Infinity },
  });
  return rows;
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandError(`${path} could not be written: ${(error as Error).message}`);
  }
}
