/** Attempts and summary of a probe, for people and for programs. */
import { formatEndpoint, formatIpv4Address, type Endpoint } from '../../packet/address.ts';
import { isLost } from '../../diagnose/probe/follow-up.ts';
import { labelOf, type Outcome } from '../../diagnose/probe/outcome.ts';
import type { Attempt, ProbeOptions } from '../../diagnose/probe/probe.ts';
import type { ProbeEvent } from '../../diagnose/probe/side-by-side.ts';
import type { Summary } from '../../diagnose/probe/summary.ts';
import type { Style } from './style.ts';

type FollowUpEvent = Extract<ProbeEvent, { kind: 'follow-up' }>;

/**
 * `12:36:01.204  open             10.0.88.100:21521      0.4 ms`, and where there are several
 * targets, which.
 */
export function attemptLine(
  { timeMs, outcome, durationMs, source, packets }: Attempt,
  style: Style,
  target?: string,
): string {
  const clock = localTime(timeMs);
  const from = source === undefined ? '-' : `${source.address ?? '*'}:${source.port}`;
  const words = wordsOf(outcome).padEnd(15);
  const to = target === undefined ? '' : `> ${target.padEnd(21)} `;
  const code = 'code' in outcome ? `  ${outcome.code}` : '';
  const syns = packets !== undefined && packets.syns > 1 ? `  ${packets.syns} SYNs` : '';
  const acks = packets?.challengeAcks ?? 0;
  const challenges = acks > 0 ? `  ${acks} challenge ${acks === 1 ? 'ACK' : 'ACKs'}` : '';
  return `${style.quiet(clock)}  ${paint(outcome, style)(words)}  ${from.padEnd(21)} ${to}${`${durationMs.toFixed(1)} ms`.padStart(10)}${code}${syns}${challenges}\n`;
}

/** `12:36:04.218  -> one-port: port 21521 fails again, 65 others pass: …` */
export function followUpLine({ timeMs, judged }: FollowUpEvent, style: Style): string {
  return `${style.quiet(localTime(timeMs))}  -> ${style.strong(judged.verdict)}: ${judged.sentence}\n`;
}

export function followUpJson({ target, timeMs, result, judged }: FollowUpEvent): unknown {
  return {
    followUp: true,
    time: new Date(timeMs).toISOString(),
    target,
    sourcePort: result.sourcePort,
    verdict: judged.verdict,
    sentence: judged.sentence,
    again: result.again,
    next: result.next,
    direct: result.direct.map(({ backend, label }) => ({
      backend: formatEndpoint(backend),
      label,
    })),
    sweep: {
      tried: result.sweep.length,
      failed: result.sweep.filter(isLost).map(({ port }) => port),
      failedAgain: result.sweepAgain.filter(isLost).map(({ port }) => port),
    },
    held: result.held.map(({ remote, state }) => ({ remote: formatEndpoint(remote), state })),
  };
}

export function attemptJson(
  { timeMs, outcome, durationMs, source, packets }: Attempt,
  target: string,
): unknown {
  return {
    time: new Date(timeMs).toISOString(),
    target,
    state: outcome.state,
    detail: labelOf(outcome),
    ...('code' in outcome ? { code: outcome.code } : {}),
    sourceAddress: source?.address ?? null,
    sourcePort: source?.port ?? null,
    durationMs: rounded(durationMs),
    // Null: nobody watched the packets.
    syns: packets?.syns ?? null,
    challengeAcks: packets?.challengeAcks ?? null,
  };
}

export function summaryJson(
  target: Endpoint,
  { attempts, counts, connectMs, filteredPorts, packets }: Summary,
): unknown {
  return {
    summary: true,
    target: formatEndpoint(target),
    attempts,
    open: counts.open,
    late: counts.late,
    closed: counts.closed,
    filteredSilent: counts.silent,
    filteredIcmp: counts.icmp,
    filteredChallengeAck: counts['challenge-ack'],
    localPortBusy: counts['local-port-busy'],
    errors: counts.error,
    connectMs:
      connectMs === undefined
        ? null
        : {
            least: rounded(connectMs.least),
            mean: rounded(connectMs.mean),
            most: rounded(connectMs.most),
            p50: rounded(connectMs.p50),
            p99: rounded(connectMs.p99),
          },
    filteredPorts,
    syns: packets?.syns ?? null,
    challengeAcks: packets?.challengeAcks ?? null,
  };
}

export function summaryText(
  target: string,
  { attempts, counts, connectMs, filteredPorts }: Summary,
  { close, sourcePorts }: Pick<ProbeOptions, 'close' | 'sourcePorts'>,
  style: Style,
): string {
  const parts = [
    part(counts.open, 'open', style.good),
    part(counts.late, 'late', style.warning),
    part(counts.closed, 'closed', style.bad),
    part(counts.silent, 'filtered (silent)', style.bad),
    part(counts.icmp, 'filtered (icmp)', style.bad),
    part(counts['challenge-ack'], 'filtered (challenge ACK)', style.bad),
    part(counts['local-port-busy'], 'local port busy', style.quiet),
    part(counts.error, 'not attempted', style.bad),
  ].filter((text) => text !== '');
  const lines = [
    `${target}: ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`,
  ];
  if (connectMs !== undefined)
    lines.push(
      `connect: least ${connectMs.least.toFixed(1)}, p50 ${connectMs.p50.toFixed(1)}, p99 ${connectMs.p99.toFixed(1)}, most ${connectMs.most.toFixed(1)} ms`,
    );
  if (filteredPorts.length > 0)
    lines.push(`filtered from source ports: ${filteredPorts.join(' ')}`);
  if (counts['local-port-busy'] > 0 && sourcePorts !== undefined && close === 'fin')
    lines.push('busy ports may be resting after a polite close; --reset frees them at once');
  return lines.map((line) => `${line}\n`).join('');
}

/** Why nothing could be sent, and what to do about it. */
export function localProblem(
  code: string,
  { sourceAddress, sourcePorts }: Pick<ProbeOptions, 'sourceAddress' | 'sourcePorts'>,
): string {
  const from = sourceAddress === undefined ? '' : formatIpv4Address(sourceAddress);
  switch (code) {
    case 'EADDRNOTAVAIL':
      return `cannot connect from ${from}: it is not an address of this machine; see \`ip address\``;
    case 'EACCES':
      return `source ports below 1024 need privilege (asked for ${sourcePorts?.low ?? '?'}); take others or run as root`;
    case 'EMFILE':
      return 'too many open files; raise `ulimit -n`';
    default:
      return `the attempt could not be made: ${code}`;
  }
}

function wordsOf(outcome: Outcome): string {
  switch (outcome.state) {
    case 'open':
      return outcome.late ? 'open (late)' : 'open';
    case 'filtered':
      return `filtered ${outcome.why}`;
    case 'closed':
    case 'local-port-busy':
    case 'error':
      return outcome.state;
  }
}

function paint(outcome: Outcome, style: Style): (text: string) => string {
  switch (outcome.state) {
    case 'open':
      return outcome.late ? style.warning : style.good;
    case 'closed':
    case 'filtered':
    case 'error':
      return style.bad;
    case 'local-port-busy':
      return style.quiet;
  }
}

function part(count: number, word: string, colour: (text: string) => string): string {
  return count === 0 ? '' : colour(`${count} ${word}`);
}

function localTime(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function rounded(durationMs: number): number {
  return Math.round(durationMs * 1_000) / 1_000;
}
