/** `fullnat diagnose`: why connections to a listener are lost, and where. */
import { writeFileSync } from 'node:fs';
import { parsePortRange } from '../../packet/address-range.ts';
import { parseEndpoint } from '../../packet/address.ts';
import type { DaemonSocket } from '../../diagnose/collect/daemons.ts';
import { machineRunner } from '../../diagnose/collect/machine-runner.ts';
import { parseWhere } from '../../diagnose/collect/runner.ts';
import type { Place } from '../../diagnose/collect/snapshot.ts';
import { diagnose as diagnosed, DiagnosisError, type Diagnosis } from '../../diagnose/diagnosis.ts';
import type { Verdict } from '../../diagnose/verdict.ts';
import { bundle } from '../../diagnose/report/bundle.ts';
import { diagnosisHtml } from '../../diagnose/report/diagnosis-html.ts';
import { diagnosisJson } from '../../diagnose/report/diagnosis-json.ts';
import { diagnosisText } from '../../diagnose/report/diagnosis-text.ts';
import { choice } from '../choice.ts';
import {
  argument,
  command,
  CommandError,
  flag,
  listOption,
  option,
  optionOr,
  UsageError,
} from '../command.ts';
import { asJson } from '../output/json.ts';
import { wellRead } from '../read.ts';

const EXIT_FAILED = 10;
/** Below Linux's ephemeral range, so that the ports are nobody's. */
const DEFAULT_PORTS = '20000-31999';

export const diagnose = command({
  name: 'diagnose',
  summary: 'Find out why connections to a listener are lost, and where',
  details:
    'Tries connections from a client, compares (other ports, the backends directly, a\n' +
    'port shared with a direct connection, another client), and reads the evidence of\n' +
    'every place that is named: counters, sockets, firewall rules, routes, queues.\n' +
    'Each cause is proved, ruled out with the number that does it, or not checked.\n\n' +
    'Places, in the order of the path from client to server:\n' +
    '  --at NAME=WHERE              WHERE: here, netns:NAME or ssh:USER@HOST\n' +
    '  --at NAME=WHERE,balancer:SOCKET   with the daemon that runs there, or agent:SOCKET\n\n' +
    'Nothing is changed anywhere. The target may be a listener of any load balancer.\n\n' +
    `Exit code: 0 nothing is wrong, ${EXIT_FAILED} a failure was found, 1 could not be done, 2 bad usage.`,
  arguments: {
    target: argument('<vip:port>', 'the listener', (text) =>
      wellRead('target', parseEndpoint(text)),
    ),
  },
  options: {
    client: optionOr(
      '--client <where>',
      'from where to connect',
      readWhere,
      readWhere('here'),
      'here',
    ),
    otherClient: option('--other-client <where>', 'one that does not fail, to compare', readWhere),
    at: listOption('--at <name=where>', 'a place on the path; in path order', readPlace),
    backend: listOption(
      '--backend <address:port>',
      'a server behind it; a balancer of ours tells',
      (text) => wellRead('--backend', parseEndpoint(text)),
    ),
    ports: optionOr(
      '--ports <lo-hi>',
      'source ports to connect from',
      (text) => wellRead('--ports', parsePortRange(text)),
      wellRead('--ports', parsePortRange(DEFAULT_PORTS)),
      DEFAULT_PORTS,
    ),
    capture: optionOr(
      '--capture <when>',
      'needed: where counters and rules prove no cause; always; never',
      choice('time to capture', ['needed', 'always', 'never']),
      'needed',
    ),
    data: flag('--data', 'also send full-size segments on one connection: is large data lost?'),
    html: option('--html <file>', 'write the report as one page', (text) => text),
    bundle: option(
      '--bundle <file.tar.gz>',
      'write report, evidence of every place and captures as one archive',
      (text) => text,
    ),
    mask: flag('--mask', 'in the archive, put other addresses in place of the true ones'),
    output: optionOr(
      '-o, --output <format>',
      'text, or json: docs/reference/diagnose-json.md',
      choice('output format', ['text', 'json']),
      'text',
    ),
  },
  examples: [
    { command: 'fullnat diagnose 10.0.23.111:18056', does: 'from here, with the evidence of here' },
    {
      command:
        'fullnat diagnose 10.0.23.111:18056 --at balancer=ssh:root@lb1 --at server=ssh:root@web1',
      does: 'with that of two more machines',
    },
    {
      command: 'fullnat diagnose 10.0.23.111:18056 --backend 10.0.98.79:8056 -o json',
      does: 'another load balancer, whose server is named; as data',
    },
  ],
  handler: async ({ arguments: { target }, options }, { stdout, stderr }) => {
    if (options.mask && options.bundle === undefined)
      throw new UsageError('--mask is about the archive: give --bundle FILE.tar.gz, too');
    const diagnosis = await diagnoseWith(
      {
        client: { name: 'client', runner: machineRunner(options.client) },
        otherClient:
          options.otherClient === undefined
            ? undefined
            : { name: 'other-client', runner: machineRunner(options.otherClient) },
        places: differentlyNamed(options.at),
        nowMs: () => Date.now(),
        random: () => Math.random(),
        tell: (what) => {
          if (stderr.isTerminal) stderr.write(`${stderr.style.quiet(what)}\n`);
        },
      },
      {
        target,
        backends: options.backend,
        ports: options.ports,
        capture: options.capture,
        data: options.data,
      },
    );
    stdout.write(
      options.output === 'json'
        ? asJson(diagnosisJson(diagnosis))
        : diagnosisText(diagnosis, stdout.style, stdout.columns),
    );
    if (options.html !== undefined) write(options.html, diagnosisHtml(diagnosis));
    if (options.bundle !== undefined)
      write(
        options.bundle,
        bundle(diagnosis, { mask: options.mask, timeSeconds: Date.now() / 1000 }),
      );
    return exitCodeOf(diagnosis.verdict);
  },
});

async function diagnoseWith(...given: Parameters<typeof diagnosed>): Promise<Diagnosis> {
  try {
    return await diagnosed(...given);
  } catch (error) {
    if (error instanceof DiagnosisError) throw new CommandError(error.message);
    throw error;
  }
}

function exitCodeOf(verdict: Verdict): number {
  switch (verdict.kind) {
    case 'healthy':
      return 0;
    case 'cause':
    case 'unexplained':
      return EXIT_FAILED;
  }
}

function write(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new CommandError(`${path} could not be written: ${(error as Error).message}`);
  }
}

function readWhere(text: string) {
  return wellRead('place', parseWhere(text));
}

/** `balancer=ssh:root@lb1,balancer:/run/fullnat/main/balancer.sock` */
function readPlace(text: string): Place {
  const [, name, where, role, path] =
    /^([A-Za-z][\w.-]*)=([^,]+)(?:,(balancer|agent):(\/[^,]+))?$/.exec(text) ?? [];
  if (name === undefined || where === undefined)
    throw new UsageError(
      `bad --at \`${text}\`; write NAME=WHERE, or NAME=WHERE,balancer:/run/fullnat/INSTANCE/balancer.sock`,
    );
  const place: Place = { name, runner: machineRunner(readWhere(where)) };
  if (role === undefined || path === undefined) return place;
  const daemon: DaemonSocket = { role: role === 'agent' ? 'agent' : 'balancer', path };
  return { ...place, daemon };
}

function differentlyNamed(places: readonly Place[]): readonly Place[] {
  const names = ['client', 'other-client'];
  for (const { name } of places) {
    if (names.includes(name))
      throw new UsageError(`two places are called \`${name}\`; give each --at a name of its own`);
    names.push(name);
  }
  return places;
}
