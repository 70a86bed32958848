/** Frames by the thousand, sent as fast as is asked: floods, bounded in number and so in time. */

import type { Lab } from '../lab.ts';
import type { Device } from './raw.ts';

export type Flood = {
  frames: readonly Uint8Array[];
  /** How often all of them are sent; once unless told otherwise. */
  rounds?: number;
  /** At most; a slower machine sends them all, too, and takes longer. */
  perSecond: number;
};

/** Frames between two looks at the clock. */
const BURST = 50;

/** All frames are read before the first is sent, so that reading does not slow it down. */
const SENDER = [
  'import socket, sys, time',
  's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
  's.bind((sys.argv[1], 0))',
  'frames = [bytes.fromhex(line) for line in sys.stdin] * int(sys.argv[3])',
  'pause = 1 / int(sys.argv[2])',
  'began = time.monotonic()',
  'for i, frame in enumerate(frames):',
  `    if i % ${BURST} == 0:`,
  '        time.sleep(max(0, began + i * pause - time.monotonic()))',
  '    try:',
  '        s.send(frame)',
  '    except OSError:', // the device's queue is full: what a flood does
  '        time.sleep(0.001)',
  '        s.send(frame)',
  'print(time.monotonic() - began)',
].join('\n');

/** Returns how many were sent a second. */
export async function sendFlood(
  lab: Lab,
  { role, device }: Device,
  { frames, perSecond, rounds = 1 }: Flood,
): Promise<number> {
  const input = frames.map((frame) => `${Buffer.from(frame).toString('hex')}\n`).join('');
  const argv = ['python3', '-c', SENDER, device, String(perSecond), String(rounds)];
  const { stdout } = await lab.run(role, argv, { input });
  return (rounds * frames.length) / Number(stdout);
}
