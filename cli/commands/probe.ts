/** `fullnat probe`: a connection every interval, and what became of each. */
import { formatEndpoint, parseEndpoint } from '../../packet/address.ts';
import { machineRunner } from '../../diagnose/collect/machine-runner.ts';
import { compare } from '../../diagnose/probe/compare.ts';
import { heldConnections } from '../../diagnose/probe/held-ports.ts';
import { metricsText } from '../../diagnose/probe/metrics.ts';
import { connectByNode, systemClock } from '../../diagnose/probe/node-connector.ts';
import { LATE_MS } from '../../diagnose/probe/outcome.ts';
import { startWitness } from '../../diagnose/probe/packet-witness.ts';
import {
  probeSideBySide,
  targetStates,
  type SideBySideOptions,
} from '../../diagnose/probe/side-by-side.ts';
import { EXIT, worstOf } from '../../diagnose/probe/summary.ts';
import { command, flag, listOption, option, optionOr, UsageError } from '../command.ts';
import { choice } from '../choice.ts';
import { openMetrics, readMetricsPlace, refuseExposed } from '../metrics-outlet.ts';
import { asJsonLine } from '../output/json.ts';
import { shower, type Shower } from '../output/probe-shower.ts';
import { localProblem, summaryJson, summaryText } from '../output/probe.ts';
import {
  readCount,
  readPorts,
  readSource,
  readStates,
  readTargets,
  readWait,
  STATES,
} from '../probe-words.ts';
import { wellRead } from '../read.ts';

/** tcpdump was killed, or its interface went away. */
const CAPTURE_LOST =
  'SYNs and challenge ACKs are no longer seen: the capture beside the probe has ended';
const DEFAULT_INTERVAL_MS = 1_000;
// The SYN sent again after 1 s still has 2 s to be answered; the next would go out at 3 s.
const DEFAULT_TIMEOUT_MS = 3_000;

export const probe = command({
  name: 'probe',
  summary: 'Connect every interval and tell open, closed and filtered apart, by source port',
  details:
    `open             the handshake came about\n` +
    `open (late)      it did, but only after ${LATE_MS} ms: a SYN was lost and sent again\n` +
    `closed           a RST came back (ICMP port unreachable looks the same from here)\n` +
    `filtered silent  nothing came back within the timeout\n` +
    `filtered icmp    an ICMP error came back, or this machine has no route\n` +
    `filtered challenge-ack  a bare ACK of an older connection came back (seen as root only)\n` +
    `local-port-busy  the source port is in use here; says nothing about the target\n\n` +
    `Several targets are probed at the same time, one attempt each. On a terminal a table is\n` +
    `kept up to date (ack: challenge ACKs; p50, p99: ms of a handshake) and only what is not\n` +
    `open scrolls by; in a pipe each attempt is a line.\n` +
    `A summary on stderr at the end and on Ctrl-C.\n\n` +
    `A silence is followed up at once: the same source port again, the next port, the same\n` +
    `port to each --backend, then 64 other ports, and the ones that failed once more. What\n` +
    `that tells is one of:\n\n` +
    `  passing       the same port passes now: a single loss\n` +
    `  collision     only this port fails, and this machine has it in use towards elsewhere\n` +
    `  one-port      only this port fails: its tuple is filtered, or owned on the way\n` +
    `  some-ports    a part of the ports fails, the same again: one path or worker of several\n` +
    `  at-random     not bound to ports: loss, a full queue, a rate limit\n` +
    `  every-port    no port passes\n` +
    `  not-compared  the ports are in use on this machine\n\n` +
    `The kernel chooses source ports as it does for every program, also ones that other\n` +
    `connections share; --source-port chooses them, and several targets share them out: one port\n` +
    `towards two of them could collide with itself. A port that was closed politely rests for 60 s\n` +
    `in TIME_WAIT: use --reset to have it back at once.\n\n` +
    `Needs no privilege (ports below 1024 excepted). As root it also runs tcpdump with a narrow\n` +
    `filter, counts SYNs and sees challenge ACKs; else it says that it does not.\n\n` +
    `Exit code, by the worst state seen: ${EXIT.open} all open, ${EXIT.error} the probe itself failed, 2 bad usage,\n` +
    `${EXIT.filtered} filtered, ${EXIT.closed} closed, ${EXIT.late} late (filtered is worse than closed, closed than late).`,
  arguments: {
    targets: readTargets,
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
    backend: listOption(
      '--backend <address:port>',
      'a server behind the targets, tried directly when one is silent',
      (text) => wellRead('--backend', parseEndpoint(text)),
    ),
    followUp: optionOr(
      '--follow-up <when>',
      'silence: at once, every 30 s at most; never',
      choice('follow-up', ['silence', 'never']),
      'silence',
    ),
    compare: flag('--compare', 'say at the end what the difference between the targets tells'),
    packets: optionOr(
      '--packets <whether>',
      'auto: capture as root; never',
      choice('packets', ['auto', 'never']),
      'auto',
    ),
    metrics: option(
      '--metrics <where>',
      'for Prometheus: 127.0.0.1:PORT, unix:PATH (http /metrics) or file:PATH',
      readMetricsPlace,
    ),
    metricsForOthers: flag(
      '--metrics-for-others',
      'allow --metrics on an address that other machines reach; nothing protects it',
    ),
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
      command: 'fullnat probe 10.0.23.111:18056 10.0.98.79:8056 --compare',
      does: 'through the balancer and past it, side by side',
    },
    {
      command: 'fullnat probe 10.0.23.111:18056 --backend 10.0.98.79:8056 --metrics 127.0.0.1:9180',
      does: 'for days, watched by Prometheus',
    },
    {
      command: 'fullnat probe 10.0.23.111:18056 --count 1 -o json | head -1',
      does: 'for a script',
    },
  ],
  handler: async ({ arguments: { targets }, options }, context) => {
    const { stdout, stderr, signal } = context;
    if (options.metrics !== undefined) refuseExposed(options.metrics, options.metricsForOthers);
    const settings: SideBySideOptions = {
      targets: await Promise.all(targets.map((find) => find())),
      backends: options.backend,
      followsUp: options.followUp === 'silence',
      intervalMs: options.interval,
      timeoutMs: options.timeout,
      close: options.reset ? 'reset' : 'fin',
      ...(options.source === undefined ? {} : { sourceAddress: options.source }),
      ...(options.sourcePort === undefined ? {} : { sourcePorts: options.sourcePort }),
      ...(options.count === undefined ? {} : { count: options.count }),
    };
    refuseUnfit(settings, options.compare);

    const states = targetStates(settings.targets);
    let shown: Shower | undefined;
    let isLost = false;
    const onLost = () => {
      isLost = true;
      const text = `fullnat: ${CAPTURE_LOST}\n`;
      if (stdout.isTerminal && shown) shown.note(text);
      else stderr.write(text);
    };
    const seen =
      options.packets === 'auto' && process.getuid?.() === 0
        ? await startWitness({ start: machineRunner({ kind: 'here' }).start, onLost }, [
            ...settings.targets,
            ...settings.backends,
          ])
        : ({
            ok: false,
            why: options.packets === 'never' ? '--packets never' : 'not root',
          } as const);
    const metrics =
      options.metrics === undefined
        ? undefined
        : await openMetrics(options.metrics, () => metricsText(states, seen.ok));
    const showing = (shown = shower(options, states, seen.ok, stdout));
    let problem: string | undefined;
    try {
      await probeSideBySide(
        {
          connect: connectByNode,
          clock: systemClock,
          held: heldConnections,
          ...(seen.ok ? { witness: seen.witness } : {}),
        },
        settings,
        states,
        (event) => {
          if (event.kind === 'local-error') problem = localProblem(event.code, settings);
          else showing.tell(event);
        },
        signal,
      );
    } finally {
      showing.end();
      await metrics?.close();
      if (seen.ok) await seen.stop();
    }

    if (problem !== undefined) stderr.write(`fullnat: ${problem}\n`);
    const compared = states.map(({ name, tally }) => ({ target: name, summary: tally.summary() }));
    const sentences = options.compare ? compare(compared) : [];
    for (const { endpoint, tally } of states)
      if (options.output === 'json')
        stdout.write(asJsonLine(summaryJson(endpoint, tally.summary())));
      else
        stderr.write(
          summaryText(formatEndpoint(endpoint), tally.summary(), settings, stderr.style),
        );
    if (options.output === 'json') {
      if (options.compare) stdout.write(asJsonLine({ comparison: sentences }));
    } else {
      for (const sentence of sentences) stderr.write(`${sentence}\n`);
      if (isLost) stderr.write(`${stderr.style.warning(CAPTURE_LOST)}\n`);
      if (!seen.ok)
        stderr.write(`${stderr.style.quiet(`not seen: SYNs and challenge ACKs (${seen.why})`)}\n`);
    }
    return worstOf(compared.map(({ summary }) => summary));
  },
});

function refuseUnfit({ targets, sourcePorts }: SideBySideOptions, compares: boolean): void {
  const names = targets.map(formatEndpoint);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`${twice} is given twice; once is enough`);
  if (compares && targets.length < 2)
    throw new UsageError('--compare needs two targets at least: probe VIP:PORT RIP:PORT --compare');
  if (sourcePorts !== undefined && sourcePorts.high - sourcePorts.low + 1 < targets.length)
    throw new UsageError(
      `${targets.length} targets need as many source ports: from one port at a time they could ` +
        "be each other's collision; give --source-port LO-HI",
    );
}
