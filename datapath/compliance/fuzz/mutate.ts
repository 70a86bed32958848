/** Makes a frame into one that nobody would send: bits, words and lengths changed, checksums repaired mostly. */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, internetChecksum, viewOf } from '../../../packet/index.ts';
import type { numbersFrom } from '../model/world.ts';

/** 32 random bits. */
export type Random = ReturnType<typeof numbersFrom>;

interface Change {
  readonly random: Random;
  /** Frames that words are borrowed from. */
  readonly others: readonly Uint8Array[];
}

const CHANGES_MAX = 4;
/** Where headers lie: there the programs look. */
const HEADERS = { first: 12, end: 94 };
const TYPE_AT = 12;
const IP_AT = 14;
const IP_END = 34;
const FLAGS_AT = 47;
const OFFSET_AT = 46;
const OPTIONS_AT = 54;
const ADDRESSES_AT = 26;
const ADDRESSES_BYTES = 12;
/** A test-run takes no frame that is shorter than its IP header (tried on 6.18), and the suite has no use for longer ones. */
const IPV6_MIN_BYTES = 54;
const FRAME_BYTES = { min: 34, max: 1600 };
const EDGES = [0, 1, 2, 7, 8, 20, 0x7f, 0x80, 0xfe, 0xff];
const WORDS = [0, 1, 40, 0x7fff, 0x8000, 0xfffe, 0xffff];

const CHANGES: readonly ((frame: Uint8Array, change: Change) => Uint8Array)[] = [
  flipBit,
  flipBit,
  setByte,
  setWord,
  setNumber,
  setFlags,
  setFlags,
  setOffset,
  setOption,
  setOption,
  borrowAddresses,
  cut,
  extend,
];

export function mutate(frame: Uint8Array, change: Change): Uint8Array {
  let changed: Uint8Array = new Uint8Array(frame);
  const times = 1 + (change.random() % CHANGES_MAX);
  for (let i = 0; i < times; i++)
    changed = CHANGES[change.random() % CHANGES.length]?.(changed, change) ?? changed;
  const view = viewOf(changed);
  // Four in five have a length that is true, nine in ten a header checksum that is right.
  if (change.random() % 5 > 0) view.setUint16(IP_AT + 2, changed.length - IP_AT);
  if (change.random() % 10 > 0) {
    view.setUint16(IP_AT + 10, 0);
    view.setUint16(IP_AT + 10, internetChecksum(changed.subarray(IP_AT, IP_END)));
  }
  if (view.getUint16(TYPE_AT) === ETHERTYPE_IPV6 && changed.length < IPV6_MIN_BYTES)
    view.setUint16(TYPE_AT, ETHERTYPE_IPV4);
  return changed;
}

function flipBit(frame: Uint8Array, { random }: Change): Uint8Array {
  const at = placeIn(frame, random);
  frame[at] = (frame[at] ?? 0) ^ (1 << (random() % 8));
  return frame;
}

function setByte(frame: Uint8Array, { random }: Change): Uint8Array {
  frame[placeIn(frame, random)] = oneOf(EDGES, random);
  return frame;
}

function setWord(frame: Uint8Array, { random }: Change): Uint8Array {
  const at = Math.min(placeIn(frame, random), frame.length - 2);
  viewOf(frame).setUint16(at, oneOf(WORDS, random));
  return frame;
}

function setNumber(frame: Uint8Array, { random }: Change): Uint8Array {
  const at = Math.min(placeIn(frame, random), frame.length - 4);
  viewOf(frame).setUint32(at, random());
  return frame;
}

function setFlags(frame: Uint8Array, { random }: Change): Uint8Array {
  if (frame.length > FLAGS_AT) frame[FLAGS_AT] = random() & (random() % 4 ? 0x17 : 0xff);
  return frame;
}

function setOffset(frame: Uint8Array, { random }: Change): Uint8Array {
  if (frame.length > OFFSET_AT) frame[OFFSET_AT] = (random() % 16) << 4;
  return frame;
}

/** The head of an option that means something, anywhere behind the fixed header. */
function setOption(frame: Uint8Array, { random }: Change): Uint8Array {
  if (frame.length < OPTIONS_AT + 2) return frame;
  const at = OPTIONS_AT + (random() % Math.min(40, frame.length - OPTIONS_AT - 1));
  frame[at] = oneOf([254, 254, 253, 8, 5, 1, 0, 99], random);
  frame[at + 1] = oneOf([8, 8, 20, 10, 18, 2, 1, 0, 40], random);
  return frame;
}

function borrowAddresses(frame: Uint8Array, { random, others }: Change): Uint8Array {
  const other = oneOf(others, random);
  const [from, bytes] = [ADDRESSES_AT, Math.min(ADDRESSES_BYTES, frame.length - ADDRESSES_AT)];
  frame.set(other.subarray(from, from + bytes), from);
  return frame;
}

function cut(frame: Uint8Array, { random }: Change): Uint8Array {
  const spare = frame.length - FRAME_BYTES.min;
  return frame.slice(0, FRAME_BYTES.min + (spare > 0 ? random() % spare : 0));
}

function extend(frame: Uint8Array, { random }: Change): Uint8Array {
  const bytes = Math.min(random() % 60, FRAME_BYTES.max - frame.length);
  const longer = new Uint8Array(frame.length + Math.max(0, bytes)).fill(random());
  longer.set(frame);
  return longer;
}

function placeIn(frame: Uint8Array, random: Random): number {
  const end = Math.min(HEADERS.end, frame.length);
  return random() % 8 === 0
    ? random() % frame.length
    : HEADERS.first + (random() % (end - HEADERS.first));
}

function oneOf<T>(all: readonly T[], random: Random): T {
  const one = all[random() % all.length];
  if (one === undefined) throw new RangeError('nothing to choose from');
  return one;
}
