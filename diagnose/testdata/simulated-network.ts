/** Four capture points around a balancer, simulated packet by packet, with the truth beside them. */
import { tcp, type TcpPacketFields } from '../../packet/build.ts';
import { capturedFrame, writePcap, type CapturedFrame } from '../../packet/pcap.ts';
import {
  mss,
  nop,
  sackPermitted,
  timestamps,
  toa,
  windowScale,
  type TcpOption,
} from '../../packet/tcp-options.ts';
import { nanoseconds } from '../../packet/unit.ts';

/** What stands between the points client and host-nic. */
export type Box =
  | 'ours' // keeps ISN and timestamps, TOA on the SYN, client restored behind host-nic
  | 'nftables' // keeps everything but addresses and port; the server sees the local
  | 'lvs' // rewrites the ISN, blanks timestamps, TOA on the SYN, client restored
  | 'lvs-late-toa' // the same with TOA on the handshake's last segment, read by the server: not restored
  | 'lvs-no-toa';

export const POINTS = ['client', 'host-nic', 'host-vnic', 'server'] as const;

export interface Plan {
  readonly id: number;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly localPort: number;
  readonly isDirect: boolean;
  readonly startSeconds: number;
  readonly isn: number;
  readonly serverIsn: number;
  readonly timestamp: number;
  readonly ipId: number;
  readonly hasTimestamps: boolean;
  /** Shift of the ISN by a box that rewrites it. */
  readonly delta: number;
  readonly fate: Fate;
  readonly delaysMs: readonly number[];
}

/** `hop` h is between point h and point h + 1; hop 3 is the server itself. */
export type Fate =
  | { readonly kind: 'closed' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'lost'; readonly hop: number; readonly direction: 'forward' | 'return' };

export interface Simulated {
  readonly files: readonly Uint8Array[];
  /** By point: who each SYN belongs to, by its exact time in that capture. */
  readonly truth: readonly ReadonlyMap<string, number>[];
}

export const LISTENER = '10.0.23.111:18056';
export const BACKEND = '10.0.98.79:8056';
const LOCAL = '10.0.124.161';
const START_SECONDS = 1_700_000_000;
const RETRIES_SECONDS = [0, 1, 2, 3];
const MODULO = 2 ** 32;

interface Frame {
  readonly seconds: number;
  readonly bytes: Uint8Array;
}

export function simulate(box: Box, plans: readonly Plan[], clocks: readonly number[]): Simulated {
  const frames: Frame[][] = POINTS.map(() => []);
  const truth = POINTS.map(() => new Map<string, number>());
  for (const plan of plans) {
    const put = (point: number, atSeconds: number, fields: TcpPacketFields, isSyn = false) => {
      const micros = Math.round((START_SECONDS + atSeconds + (clocks[point] ?? 0)) * 1e6);
      frames[point]?.push({ seconds: micros / 1e6, bytes: tcp(fields) });
      if (isSyn)
        truth[point]?.set(
          synKey(`${fields.from as string} ${fields.to as string}`, micros / 1e6),
          plan.id,
        );
    };
    play(box, plan, put);
  }
  const files = frames.map((list) =>
    writePcap(
      list
        .toSorted((a, b) => a.seconds - b.seconds)
        .map(({ seconds, bytes }): CapturedFrame => {
          const time = nanoseconds(BigInt(Math.round(seconds * 1e6)) * 1000n);
          return capturedFrame(bytes, time);
        }),
    ),
  );
  return { files, truth };
}

export function synKey(ends: string, seconds: number): string {
  return `${ends} ${Math.round(seconds * 1e6)}`;
}

function play(
  box: Box,
  plan: Plan,
  put: (point: number, atSeconds: number, fields: TcpPacketFields, isSyn?: boolean) => void,
): void {
  const { fate, startSeconds } = plan;
  const attempts = fate.kind === 'lost' ? RETRIES_SECONDS : [0];
  for (const [i, wait] of attempts.entries()) {
    const at = startSeconds + wait;
    const deepest = fate.kind === 'lost' && fate.direction === 'forward' ? fate.hop : 3;
    for (let point = 0; point <= deepest; point += 1)
      put(point, at + delayTo(plan, point), syn(box, plan, point, i), true);
    if (fate.kind === 'lost' && fate.direction === 'forward') continue;
    const shallowest = fate.kind === 'lost' ? fate.hop + 1 : 0;
    for (let point = 3; point >= shallowest; point -= 1)
      put(point, at + replyDelay(plan, point), reply(box, plan, point));
  }
  if (fate.kind !== 'closed') return;
  const [acked, request, closed] = [0.02, 0.021, 0.05].map((later) => startSeconds + later);
  for (let point = 0; point <= 3; point += 1) {
    const segment = (flags: string, ahead: number, payload: string, toaHere: boolean) => ({
      ...ends(box, plan, point),
      flags,
      sequence: (isnAt(box, plan, point) + 1 + ahead) % MODULO,
      acknowledgment: (plan.serverIsn + 1) % MODULO,
      payload,
      options: toaHere ? [toa(clientOf(plan))] : [],
    });
    const late = box === 'lvs-late-toa' && !plan.isDirect && point > 0;
    put(point, (acked ?? 0) + delayTo(plan, point), segment('A', 0, '', late));
    const text = `GET /${plan.id} HTTP/1.1\r\n`;
    put(point, (request ?? 0) + delayTo(plan, point), segment('PA', 0, text, late));
    put(point, (closed ?? 0) + delayTo(plan, point), segment('FA', text.length, '', false));
  }
}

function syn(box: Box, plan: Plan, point: number, attempt: number): TcpPacketFields {
  const isBalanced = !plan.isDirect && point > 0;
  const blanksTimestamps = isBalanced && box.startsWith('lvs');
  const stamped: TcpOption[] = blanksTimestamps
    ? Array<TcpOption>(10).fill(nop)
    : [timestamps(plan.timestamp + attempt * 1000)];
  const named = isBalanced && point === 1 && (box === 'ours' || box === 'lvs');
  return {
    ...ends(box, plan, point),
    flags: 'S',
    sequence: isnAt(box, plan, point),
    identification: (plan.ipId + attempt) % 65_536,
    ttl: 64 - point,
    options: [
      ...(named ? [toa(clientOf(plan))] : []),
      mss(1460),
      sackPermitted,
      ...(plan.hasTimestamps ? stamped : []),
      windowScale(7),
    ],
  };
}

function reply(box: Box, plan: Plan, point: number): TcpPacketFields {
  const { from, to } = ends(box, plan, point);
  const isRefusal = plan.fate.kind === 'refused';
  return {
    from: to,
    to: from,
    flags: isRefusal ? 'RA' : 'SA',
    sequence: isRefusal ? 0 : plan.serverIsn,
    acknowledgment: (isnAt(box, plan, point) + 1) % MODULO,
    options: isRefusal ? [] : [mss(1460), sackPermitted, windowScale(7)],
  };
}

function ends(box: Box, plan: Plan, point: number): { from: string; to: string } {
  const client = clientOf(plan);
  if (plan.isDirect) return { from: client, to: BACKEND };
  if (point === 0) return { from: client, to: LISTENER };
  const restores = box === 'ours' || box === 'lvs';
  const isRestored = restores && point >= 2;
  return { from: isRestored ? client : `${LOCAL}:${plan.localPort}`, to: BACKEND };
}

function isnAt(box: Box, plan: Plan, point: number): number {
  const rewrites = box.startsWith('lvs') && !plan.isDirect && point > 0;
  return rewrites ? (plan.isn + plan.delta) % MODULO : plan.isn;
}

function clientOf({ clientAddress, clientPort }: Plan): string {
  return `${clientAddress}:${clientPort}`;
}

function delayTo({ delaysMs }: Plan, point: number): number {
  return delaysMs.slice(0, point).reduce((sum, delay) => sum + delay, 0) / 1000;
}

function replyDelay(plan: Plan, point: number): number {
  const whole = delayTo(plan, 3);
  return whole + 0.0001 + (whole - delayTo(plan, point));
}
