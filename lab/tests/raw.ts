/** Frames of any bytes, sent from a device of the lab as they are. */

import type { Lab } from '../lab.ts';
import type { Role } from '../topology.ts';

export type Device = { role: Role; device: string };

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
