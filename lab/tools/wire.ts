/**
 * What the exchange server and its clients say to each other. The client's first
 * line chooses: `echo` (everything comes back) or `exchange UP DOWN`: then UP
 * bytes go up and DOWN bytes come down at the same time, and the server ends
 * with one line of JSON, its Report.
 */

import { createHash, randomBytes, type Hash } from 'node:crypto';
import type { Socket } from 'node:net';

export type Command = { kind: 'echo' } | { kind: 'exchange'; upBytes: number; downBytes: number };

/** What the server received and sent, for the client to compare with its own sums. */
export type Report = { upSha256: string; downSha256: string; peer: string };

const BLOCK_BYTES = 1 << 20;
const CHUNK_BYTES = 1 << 16;
const LINE_MAX_BYTES = 1024;

export function commandLine(command: Command): string {
  switch (command.kind) {
    case 'echo':
      return 'echo\n';
    case 'exchange':
      return `exchange ${command.upBytes} ${command.downBytes}\n`;
  }
}

export function parseCommand(line: string): Command | undefined {
  if (line === 'echo') return { kind: 'echo' };
  const match = /^exchange (\d+) (\d+)$/.exec(line);
  if (match === null) return undefined;
  return { kind: 'exchange', upBytes: Number(match[1]), downBytes: Number(match[2]) };
}

/** Sends bytes that no other sender sends, and returns their SHA-256. */
export async function sendRandom(socket: Socket, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const block = randomBlock();
  // Each chunk starts elsewhere in the block, so chunks lost, doubled or swapped change the sum.
  for (let sent = 0, step = 0; sent < bytes; step += 1) {
    const size = Math.min(CHUNK_BYTES, bytes - sent);
    const start = (step * 7919) % (BLOCK_BYTES - CHUNK_BYTES);
    const chunk = block.subarray(start, start + size);
    hash.update(chunk);
    sent += size;
    if (!socket.write(chunk)) await drained(socket);
  }
  return hash.digest('hex');
}

/** Reads lines and counted bytes from a socket, in whatever pieces they arrive. */
export class SocketReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  /** The next line without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#rest.subarray(0, end).toString();
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      if (this.#rest.length > LINE_MAX_BYTES) throw new Error('the peer sent no line');
      this.#rest = Buffer.concat([this.#rest, await this.#more('a line')]);
    }
  }

  /** The SHA-256 of the next `bytes` bytes. */
  async sum(bytes: number): Promise<string> {
    const hash: Hash = createHash('sha256');
    for (let missing = bytes; missing > 0;) {
      if (this.#rest.length === 0) this.#rest = await this.#more(`${missing} of ${bytes} bytes`);
      const taken = this.#rest.subarray(0, missing);
      hash.update(taken);
      missing -= taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    return hash.digest('hex');
  }

  async #more(what: string): Promise<Buffer> {
    const next = await this.#chunks.next();
    if (next.done === true) throw new Error(`the connection ended before ${what}`);
    return next.value;
  }
}

/** Not `once(socket, 'drain')`: a socket that is closed meanwhile never drains. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off('drain', settle);
      socket.off('close', settle);
      if (socket.destroyed) reject(socket.errored ?? new Error('the connection ended'));
      else resolve();
    };
    socket.on('drain', settle);
    socket.on('close', settle);
    if (socket.destroyed) settle();
  });
}

let block: Buffer | undefined;

function randomBlock(): Buffer {
  return (block ??= randomBytes(BLOCK_BYTES));
}
