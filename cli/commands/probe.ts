/** `fullnat probe`: a connection every interval, and what became of each. */
import { lookup } from 'node:dns/promises';
import { parsePortRange } from '../../packet/address-range.ts';
import {
  formatEndpoint,
  parseEndpoint,
  parseIpv4Address,
  parsePort,
  type Endpoint,
  type Ipv4Address,
} from '../../packet/address.ts';
import { parseDurationMs } from '../../control/config/duration.ts';
import { connectByNode, systemClock } from '../../diagnose/probe/node-connector.ts';
import { labelOf, LATE_MS } from '../../diagnose/probe/outcome.ts';
import {
  probe as attemptsOf,
  type Attempt,
  type ProbeOptions,
} from '../../diagnose/probe/probe.ts';
import { EXIT, exitCodeOf, Tally } from '../../diagnose/probe/summary.ts';
import { argument, command, flag, option, optionOr, UsageError } from '../command.ts';
import { choice } from '../choice.ts';
import { asJsonLine } from '../output/format.ts';
import {
  attemptJson,
  attemptLine,
  localProblem,
  summaryJson,
  summaryText,
} from '../output/probe.ts';
import { wellRead } from '../read.ts';

const STATES = ['open', 'late', 'closed', 'filtered', 'silent', 'icmp', 'local-port-busy'] as const;
type State = (typeof STATES)[number];

const DEFAULT_INTERVAL_MS = 1_000;
// The SYN sent again after 1 s still has 2 s to be answered; the next would go out at 3 s.
const DEFAULT_TIMEOUT_MS = 3_000;
// setTimeout takes no more than this.
const WAIT_MAX_MS = 2 ** 31 - 1;

export const probe = command({
  name: 'probe',
  summary: 'Connect every interval and tell open, closed and filtered apart, by source port',
  details:
    `open             the handshake came about\n` +
    `open (late)      it did, but only after ${LATE_MS} ms: a SYN was lost and sent again\n` +
    `closed           a RST came back (ICMP port unreachable looks the same from here)\n` +
    `filtered silent  nothing came back within the timeout\n` +
    `filtered icmp    an ICMP error came back, or this machine has no route\n` +
    `local-port-busy  the source port is in use here; says nothing about the target\n\n` +
    `One attempt at a time, one line each; a summary on stderr at the end and on Ctrl-C.\n` +
    `A source port that was closed politely rests for 60 s in TIME_WAIT: use --reset to\n` +
    `have it back at once. Needs no privilege (ports below 1024 excepted).\n\n` +
    `Exit code, by the worst state seen: ${EXIT.open} all open, ${EXIT.error} the probe itself failed, 2 bad usage,\n` +
    `${EXIT.filtered} filtered, ${EXIT.closed} closed, ${EXIT.late} late (filtered is worse than closed, closed than late).`,
  arguments: {
    target: argument('<vip:port>', 'address and port, or name and port', readTarget),
  },
  options: {
    interval: optionOr(
      '--interval <duration>',
      'from one attempt to the next',
      readWait,
      DEFAULT_INTERVAL_MS,
      '1s',
    ),
    count: option(
      '--count <n>',
      'stop after so many (default: until Ctrl-C; a port range: one walk)',
      readCount,
    ),
    timeout: optionOr(
      '--timeout <duration>',
      'silence after this is `filtered`',
      readWait,
      DEFAULT_TIMEOUT_MS,
      '3s',
    ),
    sourcePort: option('--source-port <port>', 'one port, or LO-HI to walk over', readPorts),
    source: option('--source <address>', 'an address of this machine to connect from', readSource),
    only: option(
      '--only <states>',
      `print only these: ${STATES.join(', ')}; comma-separated`,
      readStates,
    ),
    reset: flag(
      '--reset',
      'end connections with RST, not FIN, so that the source port is free at once',
    ),
    output: optionOr(
      '-o, --output <format>',
      'text, or json: one object a line, the summary last',
      choice('output format', ['text', 'json']),
      'text',
    ),
  },
  examples: [
    { command: 'fullnat probe 10.0.23.111:18056', does: 'every second until Ctrl-C' },
    {
      command: 'fullnat probe 10.0.23.111:18056 --only filtered',
      does: 'print only lost connections',
    },
    {
      command: 'fullnat probe 10.0.23.111:18056 --source-port 21500-21599 --interval 50ms --reset',
      does: 'which source ports fail',
    },
    {
      command: 'fullnat probe 10.0.23.111:18056 --count 1 -o json | head -1',
      does: 'for a script',
    },
  ],
  handler: async ({ arguments: { target }, options }, { stdout, stderr, signal }) => {
    const tally = new Tally();
    const settings: ProbeOptions = {
      target: await target(),
      intervalMs: options.interval,
      timeoutMs: options.timeout,
      close: options.reset ? 'reset' : 'fin',
      ...(options.source === undefined ? {} : { sourceAddress: options.source }),
      ...(options.sourcePort === undefined ? {} : { sourcePorts: options.sourcePort }),
      ...(options.count === undefined ? {} : { count: options.count }),
    };
    const isWanted = (attempt: Attempt) =>
      options.only === undefined ||
      attempt.outcome.state === 'error' ||
      options.only.some(
        (state) => state === labelOf(attempt.outcome) || state === attempt.outcome.state,
      );

    for await (const attempt of attemptsOf(
      { connect: connectByNode, clock: systemClock },
      settings,
      signal,
    )) {
      tally.add(attempt);
      if (isWanted(attempt))
        stdout.write(
          options.output === 'json'
            ? asJsonLine(attemptJson(attempt))
            : attemptLine(attempt, stdout.style),
        );
      if (attempt.outcome.state === 'error') {
        // Every further attempt would end the same way.
        stderr.write(`fullnat: ${localProblem(attempt.outcome.code, settings)}\n`);
        break;
      }
    }

    const summary = tally.summary();
    if (options.output === 'json') stdout.write(asJsonLine(summaryJson(settings.target, summary)));
    else
      stderr.write(summaryText(formatEndpoint(settings.target), summary, settings, stderr.style));
    return exitCodeOf(summary);
  },
});

/** Names are looked up once, when the probe starts: all attempts go to one address. */
function readTarget(text: string): () => Promise<Endpoint> {
  const [, name, portText] = /^([A-Za-z0-9._-]*[A-Za-z][A-Za-z0-9._-]*):(\d+)$/.exec(text) ?? [];
  if (name === undefined || portText === undefined) {
    const endpoint = wellRead('target', parseEndpoint(text));
    refuseZero(endpoint.port);
    return async () => endpoint;
  }
  const port = wellRead('target', parsePort(portText));
  refuseZero(port);
  return async () => {
    try {
      const { address } = await lookup(name, { family: 4 });
      return { address: wellRead('target', parseIpv4Address(address)), port };
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`no IPv4 address found for \`${name}\`; write ADDRESS:PORT`);
    }
  };
}

function readPorts(text: string) {
  const range = wellRead('--source-port', parsePortRange(text));
  refuseZero(range.low);
  return range;
}

function readSource(text: string): Ipv4Address {
  return wellRead('--source', parseIpv4Address(text));
}

function refuseZero(port: number): void {
  if (port === 0) throw new UsageError('port 0 cannot be connected to or from; use 1..65535');
}

function readWait(text: string): number {
  const durationMs = wellRead('duration', parseDurationMs(text));
  if (durationMs < 1 || durationMs > WAIT_MAX_MS)
    throw new UsageError(`a duration here must be in 1ms..596h, got \`${text}\``);
  return durationMs;
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`bad --count \`${text}\`; a whole number of at least 1`);
}

function readStates(text: string): readonly State[] {
  return text.split(',').map(choice('state', STATES));
}
