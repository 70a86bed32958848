/**
 * A TCP client made of single frames, for SYNs that no kernel would send: options
 * in any order, a full option space, somebody else's TOA. It completes the
 * handshake, asks for the server's line and ends with a RST.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { tcp } from '../../packet/build.ts';
import { parseFrame } from '../../packet/parse.ts';
import { printFrame } from '../../packet/print.ts';
import type { TcpOption } from '../../packet/tcp-options.ts';
import type { Lab } from '../lab.ts';
import { CLIENT_ADDRESS } from '../topology.ts';
import { linkBetween } from './raw.ts';

export type RawConnection = {
  target: string;
  port: number;
  /** Initial sequence number; tells the connection at every capture point. */
  sequence: number;
  synOptions: readonly TcpOption[];
  /** Of the segment that completes the handshake, and of the request. */
  laterOptions?: readonly TcpOption[];
  /** Of the request alone. */
  dataOptions?: readonly TcpOption[];
  /** The request completes the handshake. */
  isAckLost?: boolean;
};

export type RawClient = {
  /** The server's line: its name and the peer it sees. */
  visit(connection: RawConnection): Promise<string>;
};

const DEVICE = { role: 'client', device: 'eth0' } as const;
const ANSWER_TIMEOUT_MS = 5_000;
const REQUEST = 'GET / HTTP/1.1\r\nHost: lab\r\n\r\n';

/** Sends each line of standard input as a frame, and prints each TCP frame that comes in. */
const RELAY = [
  'import os, socket, sys, threading',
  's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))',
  's.bind((sys.argv[1], 0x0800))',
  'def receive():',
  '    while True:',
  '        frame, (_, _, kind, _, _) = s.recvfrom(65535)',
  '        if kind != socket.PACKET_OUTGOING and frame[23] == 6:',
  '            print(frame.hex(), flush=True)',
  'threading.Thread(target=receive, daemon=True).start()',
  'print("ready", flush=True)',
  'for line in sys.stdin:',
  '    s.send(bytes.fromhex(line))',
  'os._exit(0)',
].join('\n');

/** Its ports are `low` and above: the client's kernel, which does not know them, is kept quiet. */
export async function withRawClient<T>(
  lab: Lab,
  low: number,
  action: (client: RawClient) => Promise<T>,
): Promise<T> {
  const quiet =
    'add table ip raw-client; add chain ip raw-client o { type filter hook output priority 0; };' +
    `add rule ip raw-client o tcp flags & rst == rst tcp sport >= ${low} drop`;
  await lab.run('client', ['nft', quiet]);
  const child = lab.spawn('client', ['python3', '-c', RELAY, DEVICE.device], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const { stdin, stdout } = child;
    assert.ok(stdin !== null && stdout !== null);
    const lines = createInterface({ input: stdout });
    await once(lines, 'line');
    const ethernet = await linkBetween(lab, DEVICE, { role: 'router', device: 'br0' });
    const heard: Segment[] = [];
    lines.on('line', (line) => heard.push(...segmentOf(Buffer.from(line, 'hex'))));
    const send = (fields: Parameters<typeof tcp>[0]) =>
      void stdin.write(`${Buffer.from(tcp({ ethernet, ...fields })).toString('hex')}\n`);
    return await action({ visit: (connection) => visit(connection, send, heard) });
  } finally {
    if (child.exitCode === null) {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    }
    await lab.run('client', ['nft', 'delete table ip raw-client']);
  }
}

type Segment = {
  port: number;
  flags: string;
  sequence: number;
  acknowledgment: number;
  payload: Uint8Array;
};

async function visit(
  { target, port, sequence, synOptions, ...later }: RawConnection,
  send: (fields: Parameters<typeof tcp>[0]) => void,
  heard: readonly Segment[],
): Promise<string> {
  const ends = { from: `${CLIENT_ADDRESS}:${port}`, to: target };
  const mine = () => heard.filter((segment) => segment.port === port);
  send({ ...ends, flags: 'S', sequence, options: synOptions });
  const accepted = await found(() => mine().find(({ flags }) => flags === 'SA'), 'a SYN+ACK');
  assert.equal(accepted.acknowledgment, sequence + 1);

  const numbers = { sequence: sequence + 1, acknowledgment: accepted.sequence + 1 };
  const { laterOptions = [], dataOptions = laterOptions, isAckLost = false } = later;
  if (!isAckLost) send({ ...ends, flags: 'A', ...numbers, options: laterOptions });
  send({ ...ends, flags: 'PA', ...numbers, options: dataOptions, payload: REQUEST });
  const text = () =>
    mine()
      .map(({ payload }) => Buffer.from(payload).toString())
      .join('');
  const line = await found(() => /\r\n\r\n([^\n]*)\n/.exec(text())?.[1], 'an answer');
  send({ ...ends, flags: 'R', sequence: sequence + 1 + REQUEST.length });
  return line;
}

function segmentOf(frame: Uint8Array): Segment[] {
  const parsed = parseFrame(frame);
  assert.ok(parsed.ok, printFrame(frame));
  if (parsed.value.kind !== 'tcp') return [];
  const { tcp: header, payload } = parsed.value;
  const { destinationPort: port, flags, sequence, acknowledgment } = header;
  return [{ port, flags, sequence, acknowledgment, payload }];
}

async function found<T>(look: () => T | undefined, what: string): Promise<T> {
  const end = performance.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    assert.ok(performance.now() < end, `no ${what} within ${ANSWER_TIMEOUT_MS / 1000} s`);
    await sleep(2);
  }
}
