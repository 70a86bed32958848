/** Frames of any bytes, sent from a device of the lab as they are, and received at another. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPcap } from '../../packet/pcap.ts';
import type { Lab } from '../lab.ts';
import { LabError, waitUntil } from '../process.ts';
import type { Role } from '../topology.ts';

export type Device = { role: Role; device: string };

/** Answers of programs, and what tcpdump still has in its ring. */
const SETTLE_MS = 300;

/** Node has no packet sockets. One frame a line, in hexadecimal. */
const SENDER = [
  'import socket, sys, time',
  's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
  's.bind((sys.argv[1], 0))',
  'for line in sys.stdin:',
  '    s.send(bytes.fromhex(line))',
  // Slow enough for any receiver, and for the order to stay.
  '    time.sleep(0.002)',
].join('\n');

export async function sendFrames(
  lab: Lab,
  { role, device }: Device,
  frames: readonly Uint8Array[],
): Promise<void> {
  const input = frames.map((frame) => `${Buffer.from(frame).toString('hex')}\n`).join('');
  await lab.run(role, ['python3', '-c', SENDER, device], { input });
}

/** The link-layer address of a device. */
export async function linkAddress(lab: Lab, { role, device }: Device): Promise<string> {
  const { stdout } = await lab.run(role, ['ip', '-j', 'link', 'show', 'dev', device]);
  const [link] = JSON.parse(stdout) as { address: string }[];
  if (link === undefined) throw new RangeError(`${role} has no device ${device}`);
  return link.address;
}

/** The Ethernet header of what `from` sends to `to`. */
export async function linkBetween(
  lab: Lab,
  from: Device,
  to: Device,
): Promise<{ source: string; destination: string }> {
  return { source: await linkAddress(lab, from), destination: await linkAddress(lab, to) };
}

/** What a device receives during `action`, oldest first. */
export async function receivedDuring(
  lab: Lab,
  { role, device }: Device,
  filter: string,
  action: () => Promise<void>,
): Promise<Uint8Array[]> {
  const child = lab.spawn(
    role,
    [
      ...['tcpdump', '-i', device, '-n', '-U', '-w', '-', '-s', '65535', '-Q', 'in'],
      ...['-Z', 'root', '--immediate-mode', filter],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const file: Buffer[] = [];
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => file.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  try {
    const started = await waitUntil(() => said.includes('listening on'), { timeoutMs: 5_000 });
    if (!started) throw new LabError('LAB_NOT_READY', `tcpdump on ${device}: ${said}`);
    await action();
    await sleep(SETTLE_MS);
  } finally {
    child.kill('SIGINT');
    await closed;
  }
  return readPcap(Buffer.concat(file)).frames.map(({ bytes }) => bytes);
}
