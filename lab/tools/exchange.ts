/** Sends and receives counted bytes over connections, and compares the sums of both ends. */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Endpoint, PortRange } from './arguments.ts';
import { localEnd, portInTurn } from './open.ts';
import { SocketReader, commandLine, sendRandom, type Report } from './wire.ts';

export type ExchangeOptions = {
  target: Endpoint;
  local: string | undefined;
  ports: PortRange | undefined;
  count: number;
  parallel: number;
  upBytes: number;
  downBytes: number;
  /** Exactly these sizes, or a random size from 0 to them each time. */
  sizes: 'exact' | 'random';
};

export type ExchangeResult = {
  attempted: number;
  /** Both sums were equal at both ends. */
  right: number;
  wrong: string[];
  failures: Record<string, number>;
  upBytes: number;
  downBytes: number;
  seconds: number;
};

export async function exchange(
  options: ExchangeOptions,
  signal: AbortSignal,
): Promise<ExchangeResult> {
  const result: ExchangeResult = {
    attempted: 0,
    right: 0,
    wrong: [],
    failures: {},
    upBytes: 0,
    downBytes: 0,
    seconds: 0,
  };
  const start = performance.now();
  const worker = async () => {
    while (result.attempted < options.count && !signal.aborted) {
      const turn = result.attempted;
      result.attempted += 1;
      try {
        await exchangeOne(options, turn, result);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        result.failures[why] = (result.failures[why] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, worker));
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

async function exchangeOne(
  options: ExchangeOptions,
  turn: number,
  result: ExchangeResult,
): Promise<void> {
  const size = (bytes: number) =>
    options.sizes === 'exact' ? bytes : Math.floor(Math.random() * (bytes + 1));
  const upBytes = size(options.upBytes);
  const downBytes = size(options.downBytes);
  const port = portInTurn(options.ports, turn);
  const socket = connect({
    ...options.target,
    ...localEnd(options.local, port),
    noDelay: true,
  });
  // Errors reach us through the reader and the writer; an emitter wants a listener of its own.
  socket.on('error', () => {});
  try {
    await once(socket, 'connect');
    const reader = new SocketReader(socket);
    socket.write(commandLine({ kind: 'exchange', upBytes, downBytes }));
    const [upSha256, downSha256] = await Promise.all([
      sendRandom(socket, upBytes),
      reader.sum(downBytes),
    ]);
    const report = JSON.parse(await reader.line()) as Report;
    result.upBytes += upBytes;
    result.downBytes += downBytes;
    const differ = [
      ...(report.upSha256 === upSha256 ? [] : [`up ${upBytes} bytes`]),
      ...(report.downSha256 === downSha256 ? [] : [`down ${downBytes} bytes`]),
    ];
    if (differ.length === 0) result.right += 1;
    else result.wrong.push(`from port ${socket.localPort}: ${differ.join(', ')} differ`);
  } finally {
    socket.destroy();
  }
}
