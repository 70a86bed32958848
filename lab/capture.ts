/** Captures at the lab's four named points, with tcpdump into files. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import type { CapturedFrame } from '../packet/pcap.ts';
import { readPcap } from '../packet/pcap.ts';
import { spawn } from './namespaces.ts';
import { runFolder } from './paths.ts';
import { LabError } from './process.ts';
import type { Role } from './topology.ts';
import { namespaceName } from './topology.ts';

export type CapturePoint = 'client' | 'host-nic' | 'host-vnic' | 'server';

export const CAPTURE_POINTS: Readonly<Record<CapturePoint, { role: Role; device: string }>> = {
  client: { role: 'client', device: 'eth0' },
  'host-nic': { role: 'host', device: 'eth0' },
  'host-vnic': { role: 'host', device: 'vnet1' },
  server: { role: 'server1', device: 'eth0' },
};

export type CaptureOptions = {
  /** In tcpdump's language; everything when absent. */
  filter?: string;
  /** Bytes kept of each packet; checksums can only be verified on whole ones. */
  snapBytes?: number;
  /** Packets of one direction only: what this end of the link receives. */
  direction?: 'in' | 'out' | 'inout';
};

export type Capture = {
  point: CapturePoint;
  file: string;
  /** Ends it; the file is complete afterwards. */
  stop(): Promise<void>;
};

const WHOLE_PACKETS = 262_144;
const START_TIMEOUT_MS = 5_000;
// tcpdump reads from the kernel's ring in blocks: the last packets may still be in one.
const SETTLE_MS = 100;

/** Starts a capture and returns when the kernel is delivering packets to it. */
export async function startCapture(
  instance: string,
  point: CapturePoint,
  options: CaptureOptions = {},
): Promise<Capture> {
  const { role, device } = CAPTURE_POINTS[point];
  const { filter = '', snapBytes = WHOLE_PACKETS, direction = 'inout' } = options;
  const folder = `${runFolder(instance)}/captures`;
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/${point}-${process.pid}-${(captureCount += 1)}.pcap`;
  const child = spawn(
    namespaceName(instance, role),
    [
      ...['tcpdump', '-i', device, '-n', '-U', '-w', file, '-s', String(snapBytes)],
      // -Z root: the folder is root's. Immediate mode: packets are written as they come.
      ...['-Z', 'root', '--immediate-mode', '-Q', direction, '-B', '16384'],
      ...(filter === '' ? [] : [filter]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await untilListening(child, point);
  return { point, file, stop: () => stopCapture(child) };
}

/** Runs `action` under captures at several points, and returns the files by point. */
export async function captured<T>(
  instance: string,
  points: readonly CapturePoint[],
  options: CaptureOptions,
  action: () => Promise<T>,
): Promise<{ result: T; files: ReadonlyMap<CapturePoint, string> }> {
  const captures = await Promise.all(points.map((point) => startCapture(instance, point, options)));
  try {
    const result = await action();
    return { result, files: new Map(captures.map(({ point, file }) => [point, file])) };
  } finally {
    await Promise.all(captures.map((capture) => capture.stop()));
  }
}

/** The frames of a finished capture, oldest first. */
export function readCapture(file: string): readonly CapturedFrame[] {
  const { frames, damage } = readPcap(readFileSync(file));
  if (damage !== undefined) {
    throw new LabError('LAB_COMMAND_FAILED', `capture ${file}: ${damage.message}`);
  }
  return frames;
}

let captureCount = 0;

async function untilListening(child: ChildProcess, point: CapturePoint): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new LabError('LAB_NOT_READY', `capture at ${point} did not start: ${why}${said}`));
    const timer = setTimeout(() => fail('no answer from tcpdump: '), START_TIMEOUT_MS);
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // Said after the socket is bound and the filter is in place.
      if (said.includes('listening on')) {
        clearTimeout(timer);
        resolve();
      }
    });
    child.once('error', (error) => fail(`${error.message} `));
    child.once('exit', () => {
      clearTimeout(timer);
      fail('');
    });
  });
}

async function stopCapture(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
}
