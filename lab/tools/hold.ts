/**
 * Holds connections open and sends a line on each of them again and again, each
 * of which must come back: what a restart of a daemon must not disturb.
 */

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint, PortRange } from './arguments.ts';
import { localEnd, portInTurn } from './open.ts';
import { commandLine } from './wire.ts';

export type HoldOptions = {
  target: Endpoint;
  local: string | undefined;
  ports: PortRange | undefined;
  count: number;
  everyMs: number;
  /** An echo that takes longer is a stall. */
  stallMs: number;
  /** Until then, until the signal, or until none is left. */
  seconds: number;
};

export type HoldResult = {
  wanted: number;
  opened: number;
  /** Connections that were open and ended before we ended them, by errno or `ENDED`. */
  lost: Record<string, number>;
  /** Connections that could not be opened, by errno. */
  refused: Record<string, number>;
  echoes: number;
  wrongEchoes: number;
  /** Times that a line was not back after `stallMs`. */
  stalls: number;
  slowestEchoMs: number;
};

// Two retransmitted SYNs (after 1 s and 3 s) are waited for.
const OPEN_TIMEOUT_MS = 5_000;

type Held = { socket: Socket; sentAt: number | undefined; counted: boolean; awaited: string };

/** `onOpen` is called when every connection has been opened or refused. */
export async function hold(
  options: HoldOptions,
  signal: AbortSignal,
  onOpen: (result: HoldResult) => void,
): Promise<HoldResult> {
  const result: HoldResult = {
    wanted: options.count,
    opened: 0,
    lost: {},
    refused: {},
    echoes: 0,
    wrongEchoes: 0,
    stalls: 0,
    slowestEchoMs: 0,
  };
  const live = new Set<Held>();
  for (let i = 0; i < options.count; i += 1) {
    await openOne(options, portInTurn(options.ports, i), live, result);
  }
  onOpen(result);

  const end = performance.now() + options.seconds * 1000;
  for (let turn = 0; live.size > 0 && performance.now() < end && !signal.aborted; turn += 1) {
    for (const held of live) ask(held, turn, options.stallMs, result);
    await sleep(options.everyMs, undefined, { signal }).catch(() => {});
  }
  // Lines still on their way may come back, so the last round is as strict as the others.
  const deadline = performance.now() + options.stallMs;
  while (performance.now() < deadline && [...live].some(({ sentAt }) => sentAt !== undefined)) {
    await sleep(10);
  }
  for (const held of live) {
    if (held.sentAt !== undefined && !held.counted) result.stalls += 1;
    live.delete(held);
    held.socket.destroy();
  }
  return result;
}

function openOne(
  options: HoldOptions,
  port: number | undefined,
  live: Set<Held>,
  result: HoldResult,
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({
      ...options.target,
      ...localEnd(options.local, port),
      noDelay: true,
    });
    const held: Held = { socket, sentAt: undefined, counted: false, awaited: '' };
    let opened = false;
    let code = 'ENDED';
    const deadline = setTimeout(() => {
      code = 'TIMEOUT';
      socket.destroy();
    }, OPEN_TIMEOUT_MS);
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? error.message));
    socket.once('connect', () => {
      clearTimeout(deadline);
      opened = true;
      result.opened += 1;
      live.add(held);
      socket.write(commandLine({ kind: 'echo' }));
      resolve();
    });
    socket.on('data', (chunk: Buffer) => hear(held, chunk.toString(), result));
    socket.once('close', () => {
      clearTimeout(deadline);
      const counts = opened ? result.lost : result.refused;
      if (!opened || live.delete(held)) counts[code] = (counts[code] ?? 0) + 1;
      resolve();
    });
  });
}

function ask(held: Held, turn: number, stallMs: number, result: HoldResult): void {
  const now = performance.now();
  if (held.sentAt === undefined) {
    held.sentAt = now;
    held.counted = false;
    held.socket.write(lineOf(held, turn));
    held.awaited = lineOf(held, turn);
  } else if (!held.counted && now - held.sentAt > stallMs) {
    held.counted = true;
    result.stalls += 1;
  }
}

/** `awaited` holds what is still to come of the line. */
function hear(held: Held, text: string, result: HoldResult): void {
  if (!held.awaited.startsWith(text)) {
    result.wrongEchoes += 1;
    return;
  }
  held.awaited = held.awaited.slice(text.length);
  if (held.awaited !== '' || held.sentAt === undefined) return;
  result.echoes += 1;
  result.slowestEchoMs = Math.max(result.slowestEchoMs, performance.now() - held.sentAt);
  held.sentAt = undefined;
}

const lineOf = ({ socket }: Held, turn: number) => `${socket.localPort} ${turn}\n`;
