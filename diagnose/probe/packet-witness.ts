/** SYNs and bare ACKs of our attempts, out of a capture that runs beside the probe. */
import { CaptureReader } from '../../packet/capture-file.ts';
import { formatEndpoint, formatIpv4Address, type Endpoint } from '../../packet/address.ts';
import { recordBytes, recordTime } from '../../packet/record.ts';
import { parseCaptured, type CapturedPacket } from '../../packet/link.ts';
import type { Runner, Started } from '../collect/runner.ts';
import type { PacketsSeen } from './outcome.ts';
import type { PacketWitness } from './probe.ts';

export type Witnessing =
  | { readonly ok: true; readonly witness: PacketWitness; readonly stop: () => Promise<void> }
  | { readonly ok: false; readonly why: string };

/** Headers with all options; no data. */
const SNAP_BYTES = 144;
/** From the wire to us, on a busy machine. */
const WAIT_MS = 300;
const LOOK_EVERY_MS = 5;
/** Other programs connect to the target as well: their attempts are forgotten, the oldest first. */
const TUPLES_MOST = 4_096;
/** The capture's clock and ours are one, but ours has whole milliseconds. */
const CLOCK_SLACK_MS = 2;
/** One packet on its way through a bond or a VLAN is captured at each; SYNs are sent again after 200 ms at the least. */
const SAME_PACKET_MS = 100;

/**
 * Starts tcpdump on this machine. It dies with us, even when we are killed: its parent's death is a
 * signal to it. That would be forgotten if it changed its user, hence `-Z root`; it parses nothing.
 */
export async function startWitness(
  {
    start,
    onLost,
  }: Pick<Runner, 'start'> & {
    /** It has ended by itself: from now on nothing is seen. */
    readonly onLost: () => void;
  },
  targets: readonly Endpoint[],
): Promise<Witnessing> {
  const tcpdump = ['tcpdump', '-i', 'any', '-n', '-U', '--immediate-mode', '-Z', 'root'];
  const started = start([
    ...['setpriv', '--pdeathsig', 'KILL', ...tcpdump],
    ...['-s', String(SNAP_BYTES), '-w', '-', witnessFilter(targets)],
  ]);
  const attempts = new AttemptPackets();
  const state = { isReady: false, isStopped: false, isOver: false };
  void readAll(started, attempts)
    .catch(() => {})
    .finally(() => {
      state.isOver = true;
      if (state.isReady && !state.isStopped) onLost();
    });
  try {
    await started.said('listening on');
  } catch (error) {
    return { ok: false, why: (error as Error).message.replace(/^setpriv: /, '') };
  }
  state.isReady = true;
  const witness: PacketWitness = async (target, { port }, sinceMs) => {
    const endMs = performance.now() + WAIT_MS;
    for (;;) {
      const seen = attempts.take(target, port, sinceMs - CLOCK_SLACK_MS);
      if (seen !== undefined || state.isOver || performance.now() > endMs) return seen;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  };
  const stop = () => {
    state.isStopped = true;
    return started.stop();
  };
  return { ok: true, witness, stop };
}

/** SYNs either way, and from the target ACKs alone that carry no data. */
export function witnessFilter(targets: readonly Endpoint[]): string {
  const payloadBytes = 'ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2)';
  const each = targets.map(({ address, port }) => {
    const host = formatIpv4Address(address);
    const bare = `src host ${host} and src port ${port} and tcp[13] & 0x17 == 0x10 and ${payloadBytes} == 0`;
    return `(host ${host} and port ${port} and tcp[13] & 2 != 0) or (${bare})`;
  });
  return `tcp and (${each.join(' or ')})`;
}

async function readAll({ stdout }: Started, attempts: AttemptPackets): Promise<void> {
  const reader = new CaptureReader();
  for await (const chunk of stdout)
    reader.push(chunk, (record) => {
      const linkType = reader.linkType(record.interfaceNumber) ?? 0;
      const packet = parseCaptured(recordBytes(record), linkType, record.onWireBytes);
      if (packet.ok) attempts.add(packet.value, Number(recordTime(record)) / 1e6);
    });
}

interface Counted {
  syns: number;
  challengeAcks: number;
  sequence: number;
  lastSynMs: number;
  lastAckMs: number;
  isAnswered: boolean;
}

/** By target and source port, from our SYN until somebody asks. */
export class AttemptPackets {
  readonly #tuples = new Map<string, Counted>();

  add(packet: CapturedPacket, timeMs: number): void {
    if (packet.kind !== 'tcp') return;
    const { ipv4: ip, tcp, link } = packet;
    const isOurs = link.kind !== 'cooked' || link.direction === 'from-us';
    const [isSyn, isAck] = [tcp.flags.includes('S'), tcp.flags.includes('A')];
    if (isSyn && !isAck) {
      if (!isOurs) return;
      const target = { address: ip.destination, port: tcp.destinationPort };
      return this.#sent(keyOf(target, tcp.sourcePort), tcp.sequence, timeMs);
    }
    // What we send over loopback is captured a second time as it arrives.
    if (link.kind === 'cooked' && isOurs) return;
    const source = { address: ip.source, port: tcp.sourcePort };
    this.#received(keyOf(source, tcp.destinationPort), isSyn, timeMs);
  }

  /** What was seen of the attempt that began then; forgets it. */
  take(target: Endpoint, port: number, sinceMs: number): PacketsSeen | undefined {
    const key = keyOf(target, port);
    const counted = this.#tuples.get(key);
    if (counted === undefined || counted.lastSynMs < sinceMs) return undefined;
    this.#tuples.delete(key);
    return { syns: counted.syns, challengeAcks: counted.challengeAcks };
  }

  #sent(key: string, sequence: number, timeMs: number): void {
    const known = this.#tuples.get(key);
    if (known?.sequence === sequence) {
      if (timeMs - known.lastSynMs < SAME_PACKET_MS) return;
      known.syns += 1;
      known.lastSynMs = timeMs;
      return;
    }
    this.#tuples.delete(key);
    const counts = { syns: 1, challengeAcks: 0, isAnswered: false };
    this.#tuples.set(key, { ...counts, sequence, lastSynMs: timeMs, lastAckMs: -Infinity });
    const [oldest] = this.#tuples.keys();
    if (this.#tuples.size > TUPLES_MOST && oldest !== undefined) this.#tuples.delete(oldest);
  }

  #received(key: string, isSyn: boolean, timeMs: number): void {
    const known = this.#tuples.get(key);
    if (known === undefined || known.isAnswered) return;
    if (isSyn) known.isAnswered = true;
    else if (timeMs - known.lastAckMs >= SAME_PACKET_MS) {
      known.challengeAcks += 1;
      known.lastAckMs = timeMs;
    }
  }
}

function keyOf(target: Endpoint, port: number): string {
  return `${formatEndpoint(target)} ${port}`;
}
