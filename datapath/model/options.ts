/** Where the TCP options lie that carry numbers of the connection. */
import { viewOf } from '../../packet/index.ts';
import { OPTIONS_AT, TCP_AT, type Segment } from './segment.ts';

/** Offsets in the frame; 0 where there is no such option. */
interface OptionPlaces {
  /** Of TSval; TSecr follows. */
  readonly timestampsAt: number;
  /** Of the first edge. */
  readonly sackAt: number;
  readonly sackEdges: number;
}

export interface PlacedOption {
  readonly number: number;
  readonly at: number;
  /** Kind and length included. */
  readonly lengthBytes: number;
}

const END = 0;
const NOP = 1;
const SACK = 5;
const SACK_BLOCK_BYTES = 8;
const TIMESTAMPS = 8;
const TIMESTAMPS_BYTES = 10;

/** Every option but NOPs, up to where they end or make no sense. */
export function* walkOptions({ frame, tcpHeaderBytes }: Segment): Generator<PlacedOption> {
  const view = viewOf(frame);
  const end = TCP_AT + tcpHeaderBytes;
  let at = OPTIONS_AT;
  while (at < end) {
    const number = view.getUint8(at);
    if (number === END) return;
    if (number === NOP) {
      at += 1;
      continue;
    }
    const lengthBytes = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (lengthBytes < 2 || at + lengthBytes > end) return;
    yield { number, at, lengthBytes };
    at += lengthBytes;
  }
}

/** Of two options of a kind the last one counts. */
export function findOptions(segment: Segment): OptionPlaces {
  const places = { timestampsAt: 0, sackAt: 0, sackEdges: 0 };
  for (const { number, at, lengthBytes } of walkOptions(segment)) {
    if (number === TIMESTAMPS && lengthBytes === TIMESTAMPS_BYTES) places.timestampsAt = at + 2;
    if (number !== SACK) continue;
    places.sackAt = at + 2;
    places.sackEdges = Math.floor((lengthBytes - 2) / SACK_BLOCK_BYTES) * 2;
  }
  return places;
}

/** The segment's TSval; undefined when it has none. */
export function timestampOf(segment: Segment): number | undefined {
  const { timestampsAt } = findOptions(segment);
  return timestampsAt ? viewOf(segment.frame).getUint32(timestampsAt) : undefined;
}
