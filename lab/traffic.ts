/** The lab's traffic programs, started in a namespace and read back as values. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { EXCHANGE_SERVER_PORT } from './config.ts';
import type { Lab } from './lab.ts';
import type { StartOptions } from './process.ts';
import { LabError } from './process.ts';
import type { ExchangeResult } from './tools/exchange.ts';
import type { HoldResult } from './tools/hold.ts';
import type { OpenResult } from './tools/open.ts';
import type { ServerResult } from './tools/server.ts';
import type { Role, ServerRole } from './topology.ts';
import { SERVER_ADDRESSES } from './topology.ts';

type Common = { target: string; local?: string; ports?: string; count?: number };

export type OpenFlags = Common & {
  perSecond?: number;
  holdMs?: number;
  timeoutMs?: number;
  request?: 'http' | 'none';
  closer?: 'client' | 'server';
  expect?: 'none' | 'address' | 'peer';
};
export type HoldFlags = Common & { everyMs?: number; stallMs?: number; seconds?: number };
export type ExchangeFlags = Common & {
  parallel?: number;
  up?: number;
  down?: number;
  sizes?: 'exact' | 'random';
};

/** A program that runs until it is stopped, and then tells its result. */
export type Running<T> = { stop(): Promise<T>; result: Promise<T> };

const TOOLS = resolve(import.meta.dirname, 'tools');

/** Opens connections at a fixed rate: `openConnections(lab, 'client', { target: …, count: 100 })`. */
export function openConnections(lab: Lab, role: Role, flags: OpenFlags): Promise<OpenResult> {
  return runClient(lab, role, 'open', flags);
}

/** As openConnections, but it goes on while the caller does something else. */
export function startOpening(lab: Lab, role: Role, flags: OpenFlags): Running<OpenResult> {
  return running(lab.spawn(role, clientArgv('open', flags), PIPES));
}

/** As startOpening, but returns when the first one is about to be opened. */
export async function startedOpening(
  lab: Lab,
  role: Role,
  flags: OpenFlags,
): Promise<Running<OpenResult>> {
  const child = lab.spawn(role, clientArgv('open', flags), PIPES);
  const opening = running<OpenResult>(child);
  await said(child, '"event":"begin"');
  return opening;
}

/** Sends and receives counted bytes with checksums at both ends. */
export function exchangeBytes(lab: Lab, role: Role, flags: ExchangeFlags): Promise<ExchangeResult> {
  return runClient(lab, role, 'exchange', flags);
}

/** Holds connections and returns when they are open; `stop` ends them and tells what happened. */
export async function startHolding(
  lab: Lab,
  role: Role,
  flags: HoldFlags,
): Promise<Running<HoldResult>> {
  const child = lab.spawn(role, clientArgv('hold', flags), PIPES);
  const held = running<HoldResult>(child);
  await said(child, '"event":"open"');
  return held;
}

/** Starts the exchange server on one of the lab's servers. */
export async function startExchangeServer(
  lab: Lab,
  role: ServerRole,
  port: number = EXCHANGE_SERVER_PORT,
): Promise<Running<ServerResult>> {
  const listen = `${SERVER_ADDRESSES[role]}:${port}`;
  const argv = [process.execPath, `${TOOLS}/server.js`, '--listen', listen];
  const child = lab.spawn(role, argv, PIPES);
  const server = running<ServerResult>(child);
  await said(child, 'listening');
  return server;
}

const PIPES: StartOptions = { stdio: ['ignore', 'pipe', 'inherit'] };
const START_TIMEOUT_MS = 30_000;

async function runClient<T>(lab: Lab, role: Role, mode: string, flags: object): Promise<T> {
  const { stdout } = await lab.run(role, clientArgv(mode, flags));
  return lastJson(stdout) as T;
}

/** `perSecond: 100` becomes `--per-second 100`. */
export function clientArgv(mode: string, flags: object): string[] {
  const words = Object.entries(flags).flatMap(([name, value]) => [
    `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
  return [process.execPath, `${TOOLS}/client.js`, mode, ...words];
}

function running<T>(child: ChildProcess): Running<T> {
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const result = once(child, 'close').then(() => lastJson(Buffer.concat(chunks).toString()) as T);
  // Whoever stops it, or waits for it, hears of the failure; until then it is nobody's.
  result.catch(() => {});
  return {
    result,
    stop: () => {
      child.kill('SIGTERM');
      return result;
    },
  };
}

function said(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolveSaid, reject) => {
    const fail = (why: string) => reject(new LabError('LAB_NOT_READY', `traffic program: ${why}`));
    const timer = setTimeout(() => fail('not ready in time'), START_TIMEOUT_MS);
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes(words)) return;
      clearTimeout(timer);
      resolveSaid();
    });
    child.once('close', () => {
      clearTimeout(timer);
      fail('ended before it was ready');
    });
  });
}

function lastJson(stdout: string): unknown {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw new LabError('LAB_COMMAND_FAILED', `traffic program said no result: ${stdout}`);
  }
}
