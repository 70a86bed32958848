/**
 * All capture points in one pcapng: an interface for each, packets in order of time on the first
 * point's clock, and on every packet of a conversation a comment that names it.
 */
import { CaptureReader } from '../../packet/capture-file.ts';
import { recordBytes, recordTime } from '../../packet/record.ts';
import { nanoseconds } from '../../packet/unit.ts';
import {
  pcapngInterface,
  pcapngPacket,
  pcapngSection,
  type PcapngInterface,
  type PcapngPacket,
} from '../../packet/pcapng-write.ts';
import { emptyPlace, locateSegment } from '../../packet/segment.ts';
import { viewOf } from '../../packet/bytes.ts';
import { socketKey } from '../correlate/address-book.ts';
import type { Connection } from '../correlate/connection.ts';
import type { Conversation, Trace } from '../correlate/trace.ts';
import { IPV6_DESTINATION_AT, IPV6_SOURCE_AT } from '../../packet/ipv6.ts';
import { tupleText } from './trace-json.ts';

export interface MergedSource {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

type Comments = ReadonlyMap<string, readonly { readonly hop: Connection; readonly text: string }[]>;

const SNAP_BYTES = 262_144;
const NANOSECONDS_PER_SECOND = 1e9;

/** Reads the files again: memory does not grow with them. */
export async function* mergedCapture(
  trace: Trace,
  sources: readonly MergedSource[],
): AsyncGenerator<Uint8Array, void> {
  const linkTypes = new Set(
    trace.points.flatMap(({ interfaces }) => interfaces.map(({ linkType }) => linkType)),
  );
  // Points may have captured on interfaces of different kinds.
  const kinds = sources.flatMap(({ name }) =>
    [...linkTypes].map((linkType): PcapngInterface & { point: string } => ({
      ...{ point: name, linkType, name, snapBytes: SNAP_BYTES, resolution: 9 },
      ...{ filter: undefined, droppedPackets: undefined },
    })),
  );
  yield pcapngSection();
  for (const kind of kinds) yield pcapngInterface(kind);

  const comments = commentsOf(trace);
  const streams = sources.map((source, point) => {
    const numberOf = (linkType: number) =>
      kinds.findIndex((kind) => kind.point === source.name && kind.linkType === linkType);
    return packetsOf(trace, source, point, numberOf, comments);
  });
  for await (const packet of inOrderOfTime(streams)) yield pcapngPacket(packet, kinds);
}

async function* packetsOf(
  trace: Trace,
  { chunks }: MergedSource,
  point: number,
  numberOf: (linkType: number) => number,
  comments: Comments,
): AsyncGenerator<PcapngPacket, void> {
  const reader = new CaptureReader();
  let ready: PcapngPacket[] = [];
  const offset = BigInt(Math.round((trace.clocks[point]?.offset ?? 0) * NANOSECONDS_PER_SECOND));
  const visit: Parameters<CaptureReader['push']>[1] = (record) => {
    const linkType = reader.linkType(record.interfaceNumber) ?? 0;
    const bytes = recordBytes(record);
    const own = recordTime(record);
    const seconds = record.seconds + record.nanosecond / NANOSECONDS_PER_SECOND;
    const time = own > offset ? own - offset : 0n;
    ready.push({
      time: nanoseconds(time),
      bytes,
      onWireBytes: record.onWireBytes,
      interfaceNumber: numberOf(linkType),
      comment: commentFor(trace, comments, { point, bytes, linkType, seconds }),
    });
  };
  for await (const chunk of chunks) {
    reader.push(chunk, visit);
    yield* ready;
    ready = [];
  }
  reader.end(visit);
  yield* ready;
}

/** Each stream is in order of time by itself, or nearly. */
async function* inOrderOfTime(
  streams: readonly AsyncGenerator<PcapngPacket, void>[],
): AsyncGenerator<PcapngPacket, void> {
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  for (;;) {
    let earliest: { at: number; packet: PcapngPacket } | undefined;
    for (const [at, head] of heads.entries())
      if (!head.done && (!earliest || head.value.time < earliest.packet.time))
        earliest = { at, packet: head.value };
    if (!earliest) return;
    yield earliest.packet;
    const stream = streams[earliest.at];
    if (stream) heads[earliest.at] = await stream.next();
  }
}

function commentsOf(trace: Trace): Comments {
  const found = new Map<string, { hop: Connection; text: string }[]>();
  trace.conversations.forEach((conversation, number) => {
    for (const hop of conversation.hops) {
      const key = keyOf(hop.point, hop.client, hop.server);
      const entry = { hop, text: textFor(trace, conversation, number) };
      const list = found.get(key);
      if (list) list.push(entry);
      else found.set(key, [entry]);
    }
  });
  return found;
}

/** `conversation 12: 10.0.88.100:21521 > 10.0.23.111:18056 = 10.0.124.161:5004 > 10.0.98.79:8056` */
function textFor(trace: Trace, { hops }: Conversation, number: number): string {
  const tuples = hops.map((hop) => tupleText(trace, hop));
  return `conversation ${number + 1}: ${tuples.filter((text, i) => text !== tuples[i - 1]).join(' = ')}`;
}

function commentFor(
  { book }: Trace,
  comments: Comments,
  packet: { point: number; bytes: Uint8Array; linkType: number; seconds: number },
): string | undefined {
  const { bytes, point, seconds } = packet;
  const place = emptyPlace();
  const view = viewOf(bytes);
  const whole = { at: 0, capturedBytes: bytes.length, onWireBytes: bytes.length };
  if (!locateSegment(view, bytes, whole, packet.linkType, place)) return undefined;
  const { family, ipAt, tcpAt } = place;
  const [source, destination] =
    family === 4
      ? [book.ipv4(view.getUint32(ipAt + 12)), book.ipv4(view.getUint32(ipAt + 16))]
      : [book.ipv6(bytes, ipAt + IPV6_SOURCE_AT), book.ipv6(bytes, ipAt + IPV6_DESTINATION_AT)];
  const from = socketKey(source, view.getUint16(tcpAt));
  const to = socketKey(destination, view.getUint16(tcpAt + 2));
  const list = comments.get(keyOf(point, from, to)) ?? comments.get(keyOf(point, to, from));
  // Of several that used the tuple one after the other, the one that had begun.
  return list?.findLast(({ hop }) => hop.firstSeen <= seconds)?.text;
}

function keyOf(point: number, from: number, to: number): string {
  return `${point} ${from} ${to}`;
}
