/**
 * Opens connections at a fixed rate, whether or not earlier ones have been
 * answered (open loop), and tells how each ended.
 */

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint, PortRange } from './arguments.ts';

export type OpenOptions = {
  target: Endpoint;
  local: string | undefined;
  /** Used in turn, again from the start after the last; the kernel chooses when undefined. */
  ports: PortRange | undefined;
  count: number;
  perSecond: number;
  /** Kept open this long after the answer. */
  holdMs: number;
  timeoutMs: number;
  /** `http` asks for the server's line, `none` only connects. */
  request: 'http' | 'none';
  /** Who ends the connection after the answer. */
  closer: 'client' | 'server';
  /** What the server's line must name: nothing, our address, or our address and port. */
  expect: 'none' | 'address' | 'peer';
};

export type Failure = { port: number | undefined; code: string; afterMs: number };

export type OpenResult = {
  attempted: number;
  connected: number;
  answered: number;
  /** Connects slower than 0.9 s: the first SYN was lost, the second one (after 1 s) was not. */
  slow: number;
  connectMs: { median: number; p99: number; max: number };
  /** Source ports of those that were connected, in the order they were asked for. */
  ports: number[];
  failures: Failure[];
  failuresByCode: Record<string, number>;
  /** Answers by the server's name. */
  answers: Record<string, number>;
  wrongAnswers: { port: number | undefined; line: string }[];
};

type Outcome = {
  address: string | undefined;
  port: number | undefined;
  connectMs: number | undefined;
  line: string | undefined;
  failure: Failure | undefined;
};

const SLOW_MS = 900;

export async function open(options: OpenOptions, signal: AbortSignal): Promise<OpenResult> {
  const outcomes: Promise<Outcome>[] = [];
  const start = performance.now();
  for (let i = 0; i < options.count && !signal.aborted; i += 1) {
    // By the clock and not by the last one: a late start is made up for, the rate stays.
    const wait = start + (i * 1000) / options.perSecond - performance.now();
    if (wait > 1) await sleep(wait, undefined, { signal }).catch(() => {});
    if (!signal.aborted) outcomes.push(openOne(options, portInTurn(options.ports, i)));
  }
  return summary(options, await Promise.all(outcomes));
}

export function portInTurn(ports: PortRange | undefined, turn: number): number | undefined {
  return ports === undefined ? undefined : ports.low + (turn % (ports.high - ports.low + 1));
}

/** The address and port that node:net binds before it connects. */
export function localEnd(local: string | undefined, port: number | undefined) {
  return {
    ...(local === undefined ? {} : { localAddress: local }),
    ...(port === undefined ? {} : { localPort: port }),
  };
}

function openOne(options: OpenOptions, wantedPort: number | undefined): Promise<Outcome> {
  return new Promise((resolve) => {
    const start = performance.now();
    const outcome: Outcome = {
      address: options.local,
      port: wantedPort,
      connectMs: undefined,
      line: undefined,
      failure: undefined,
    };
    const socket = connect({ ...options.target, ...localEnd(options.local, wantedPort) });
    const fail = (code: string) => {
      outcome.failure ??= { port: outcome.port, code, afterMs: since(start) };
      socket.destroy();
    };
    const deadline = setTimeout(() => fail('TIMEOUT'), options.timeoutMs);
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('connect', () => {
      outcome.connectMs = since(start);
      outcome.address = socket.localAddress;
      outcome.port = socket.localPort;
      if (options.request === 'http') ask(socket, options.closer);
      else answered();
    });
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      const line = bodyOf(heard);
      if (line === undefined || outcome.line !== undefined) return;
      outcome.line = line;
      answered();
    });
    const answered = () => {
      clearTimeout(deadline);
      if (options.closer === 'client') setTimeout(() => socket.end(), options.holdMs);
    };
    socket.once('close', () => {
      clearTimeout(deadline);
      if (options.request === 'http' && outcome.line === undefined) fail('CLOSED_EARLY');
      resolve(outcome);
    });
  });
}

function ask(socket: Socket, closer: 'client' | 'server'): void {
  const connection = closer === 'server' ? 'close' : 'keep-alive';
  socket.write(`GET / HTTP/1.1\r\nHost: lab\r\nConnection: ${connection}\r\n\r\n`);
}

/** The one line of the answer's body, once it is complete. */
function bodyOf(heard: string): string | undefined {
  return /\r\n\r\n([^\n]*)\n/.exec(heard)?.[1];
}

function summary(options: OpenOptions, outcomes: readonly Outcome[]): OpenResult {
  const failures = outcomes.flatMap(({ failure }) => failure ?? []);
  const connectMs = outcomes
    .flatMap((outcome) => outcome.connectMs ?? [])
    .toSorted((a, b) => a - b);
  const at = (share: number) => connectMs[Math.floor(connectMs.length * share)] ?? 0;
  const answered = outcomes.filter(({ line }) => line !== undefined);
  return {
    attempted: outcomes.length,
    connected: connectMs.length,
    answered: answered.length,
    slow: connectMs.filter((duration) => duration > SLOW_MS).length,
    connectMs: { median: at(0.5), p99: at(0.99), max: connectMs.at(-1) ?? 0 },
    ports: outcomes.flatMap(({ connectMs: took, port }) =>
      took === undefined || port === undefined ? [] : [port],
    ),
    failures,
    failuresByCode: tally(failures.map(({ code }) => code)),
    answers: tally(answered.map(({ line }) => line?.split(' ')[0] ?? '')),
    wrongAnswers: answered
      .filter((outcome) => !isExpected(options, outcome))
      .map(({ line, port }) => ({ line: line ?? '', port })),
  };
}

function isExpected({ expect }: OpenOptions, { line, address, port }: Outcome): boolean {
  const peer = line?.split(' ')[1] ?? '';
  switch (expect) {
    case 'none':
      return true;
    case 'address':
      return peer.startsWith(`${address}:`);
    case 'peer':
      return peer === `${address}:${port}`;
  }
}

/** To the hundredth: what is finer is noise. */
const since = (start: number) => Math.round((performance.now() - start) * 100) / 100;

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
