/** Capture files as a busy balancer gives them: many short connections, a few of which are lost. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { tcp } from '../../../packet/build.ts';
import { viewOf } from '../../../packet/bytes.ts';
import { pcapFileHeader } from '../../../packet/pcap.ts';
import {
  mss,
  nop,
  sackPermitted,
  timestamps,
  toa,
  windowScale,
  type TcpOption,
} from '../../../packet/tcp-options.ts';

/** Client, balancer's far side, host, server: addresses change after the first and the second. */
export const TRACE_POINTS = ['client', 'host-nic', 'host-vnic', 'server'] as const;

interface Template {
  readonly afterSeconds: number;
  readonly fromClient: boolean;
  /** Bytes that were sent before it, by its sender and by the other. */
  readonly sent: number;
  readonly received: number;
  readonly isSyn: boolean;
  readonly frame: Uint8Array;
}

interface Ends {
  readonly client: readonly [address: number, port: number];
  readonly server: readonly [address: number, port: number];
}

const PER_SECOND = 2_000;
const LOST_EVERY = 200;
const START_SECONDS = 1_700_000_000;
/** Sent again after one second and after three. */
const RETRIES_SECONDS = [0, 1, 3];
const RECORD_BYTES = 16;
const TCP_AT = 34;
const REQUEST_BYTES = 90;
const ANSWER_BYTES = 120;

/** Ten packets for each of `connections`. */
export function writeTraceFile(path: string, point: number, connections: number): void {
  const packets = packetsInOrder(connections, point);
  const file = openSync(path, 'w');
  const header = {
    linkType: 1,
    snapBytes: 262_144,
    precision: 'micro',
    byteOrder: 'little',
  } as const;
  writeSync(file, pcapFileHeader(header));
  const templates = templatesOf(point);
  let chunk: Uint8Array[] = [];
  for (const [i, { time, connection, template }] of packets.entries()) {
    const one = templates[template];
    if (one) chunk.push(record(one, time, connection, point));
    if (chunk.length < 8_192 && i < packets.length - 1) continue;
    writeSync(file, Buffer.concat(chunk));
    chunk = [];
  }
  closeSync(file);
}

function packetsInOrder(connections: number, point: number) {
  const templates = templatesOf(point);
  const packets: { time: number; connection: number; template: number }[] = [];
  for (let connection = 0; connection < connections; connection += 1) {
    const start = connection / PER_SECOND;
    if (connection % LOST_EVERY === 7) {
      if (point <= 1)
        for (const wait of RETRIES_SECONDS)
          packets.push({ time: start + wait, connection, template: 0 });
      continue;
    }
    for (const [template, { afterSeconds }] of templates.entries())
      packets.push({ time: start + afterSeconds, connection, template });
  }
  return packets.toSorted((a, b) => a.time - b.time);
}

function templatesOf(point: number): Template[] {
  const later = point * 0.000_1;
  const stamped: TcpOption[] = [nop, nop, timestamps(1, 1)];
  const opening: TcpOption[] = [mss(1460), sackPermitted, timestamps(1, 0), nop, windowScale(7)];
  const named = point === 1 ? [toa('10.0.88.100:1'), ...opening] : opening;
  const of = (
    fromClient: boolean,
    afterSeconds: number,
    flags: string,
    [sent, received]: readonly [number, number],
    payloadBytes = 0,
  ): Template => {
    const isSyn = flags.startsWith('S');
    const options = flags === 'S' ? named : isSyn ? opening : stamped;
    const payload = new Uint8Array(payloadBytes).fill(0x78);
    const ends = { from: '10.0.0.1:1', to: '10.0.0.2:2' };
    return {
      ...{ fromClient, sent, received, isSyn },
      afterSeconds: afterSeconds + (fromClient ? later : -later),
      frame: tcp({ ...ends, flags, payload, options, acknowledgment: 1, ttl: 64 - point }),
    };
  };
  const [asked, answered] = [1 + REQUEST_BYTES, 1 + ANSWER_BYTES];
  return [
    of(true, 0, 'S', [0, 0]),
    of(false, 0.002, 'SA', [0, 1]),
    of(true, 0.003, 'A', [1, 1]),
    of(true, 0.0031, 'PA', [1, 1], REQUEST_BYTES),
    of(false, 0.004, 'A', [1, asked]),
    of(false, 0.005, 'PA', [1, asked], ANSWER_BYTES),
    of(true, 0.006, 'A', [asked, answered]),
    of(false, 0.007, 'FA', [answered, asked]),
    of(true, 0.008, 'FA', [asked, answered + 1]),
    of(false, 0.009, 'A', [answered + 1, asked + 1]),
  ];
}

/** The template with this connection's addresses, numbers and time; checksums are nobody's business here. */
function record(template: Template, time: number, connection: number, point: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES + template.frame.length);
  bytes.set(template.frame, RECORD_BYTES);
  const view = viewOf(bytes);
  const micros = Math.round(time * 1e6);
  view.setUint32(0, START_SECONDS + Math.floor(micros / 1e6), true);
  view.setUint32(4, micros % 1e6, true);
  view.setUint32(8, template.frame.length, true);
  view.setUint32(12, template.frame.length, true);

  const { client, server } = endsOf(connection, point);
  const [from, to] = template.fromClient ? [client, server] : [server, client];
  const at = RECORD_BYTES + TCP_AT;
  view.setUint16(RECORD_BYTES + 18, template.isSyn ? mixed(connection, 3) >>> 16 : 0);
  view.setUint32(RECORD_BYTES + 26, from[0]);
  view.setUint32(RECORD_BYTES + 30, to[0]);
  view.setUint16(at, from[1]);
  view.setUint16(at + 2, to[1]);
  const [mine, theirs] = template.fromClient ? [1, 2] : [2, 1];
  view.setUint32(at + 4, mixed(connection, mine) + template.sent);
  if (!(template.isSyn && template.fromClient))
    view.setUint32(at + 8, mixed(connection, theirs) + template.received);
  const millis = Math.floor(time * 1000);
  if (template.isSyn && template.fromClient && point === 1) {
    view.setUint16(at + 22, endsOf(connection, 0).client[1]);
    view.setUint32(at + 24, endsOf(connection, 0).client[0]);
    view.setUint32(at + 36, millis);
  } else view.setUint32(at + (template.isSyn ? 28 : 24), millis);
  return bytes;
}

function endsOf(connection: number, point: number): Ends {
  const client = [
    0x0a005864 + (connection % 8),
    1_024 + (((connection >> 3) * 7) % 64_000),
  ] as const;
  const local = [
    0x0a007ca0 + (connection % 16),
    1_024 + (((connection >> 4) * 11) % 64_000),
  ] as const;
  const listener = [0x0a00176f, 18_056] as const;
  const backend = [0x0a00624f, 8_056] as const;
  if (point === 0) return { client, server: listener };
  return { client: point === 1 ? local : client, server: backend };
}

/** Numbers as different as initial sequence numbers are. */
function mixed(connection: number, which: number): number {
  let value = Math.imul(connection * 4 + which, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}
