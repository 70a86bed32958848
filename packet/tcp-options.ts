/** TCP options: a list of values that gives back exactly the bytes it was read from. */
import { endpoint } from './address.ts';
import { concat, viewOf } from './bytes.ts';
import {
  encodeToa,
  isToaNumber,
  parseToa,
  TOA_DEFAULT_NUMBER,
  type Toa,
  type ToaNumber,
} from './toa.ts';

export interface SackBlock {
  readonly left: number;
  readonly right: number;
}

/**
 * `malformed` is an option whose length contradicts its kind (`bad-length`) or the space that
 * is left (`truncated`); it holds the bytes as they are, and so does `end` for what follows it.
 */
export type TcpOption =
  | { readonly kind: 'nop' }
  | { readonly kind: 'end'; readonly rest: Uint8Array }
  | { readonly kind: 'mss'; readonly bytes: number }
  | { readonly kind: 'window-scale'; readonly shift: number }
  | { readonly kind: 'sack-permitted' }
  | { readonly kind: 'sack'; readonly blocks: readonly SackBlock[] }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'fast-open'; readonly cookie: Uint8Array }
  | ({ readonly kind: 'toa' } & Toa)
  | { readonly kind: 'unknown'; readonly number: number; readonly data: Uint8Array }
  | {
      readonly kind: 'malformed';
      readonly reason: 'truncated' | 'bad-length';
      readonly bytes: Uint8Array;
    };

/** Data offset counts 15 words at most, 5 of which are the fixed header. */
export const TCP_OPTIONS_MAX_BYTES = 40;

const END = 0;
const NOP = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
const FAST_OPEN = 34;

export function parseTcpOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  let at = 0;
  while (at < bytes.length) {
    const number = bytes[at];
    if (number === END) return [...options, { kind: 'end', rest: bytes.slice(at + 1) }];
    if (number === NOP) {
      options.push({ kind: 'nop' });
      at += 1;
      continue;
    }
    const length = bytes[at + 1];
    if (length === undefined || at + length > bytes.length)
      return [...options, malformed('truncated', bytes.slice(at))];
    // A length below 2 would never move on: what follows cannot be told apart.
    if (length < 2) return [...options, malformed('bad-length', bytes.slice(at))];
    options.push(parseOption(bytes.slice(at, at + length)));
    at += length;
  }
  return options;
}

export function encodeTcpOptions(options: readonly TcpOption[]): Uint8Array {
  return concat(...options.map(encodeOption));
}

export const nop: TcpOption = { kind: 'nop' };
export const sackPermitted: TcpOption = { kind: 'sack-permitted' };
export const end: TcpOption = { kind: 'end', rest: new Uint8Array(0) };

export function mss(bytes: number): TcpOption {
  return { kind: 'mss', bytes };
}

export function windowScale(shift: number): TcpOption {
  return { kind: 'window-scale', shift };
}

/** `sack([1000, 2000], [3000, 4000])` */
export function sack(...edges: readonly (readonly [left: number, right: number])[]): TcpOption {
  return { kind: 'sack', blocks: edges.map(([left, right]) => ({ left, right })) };
}

export function timestamps(value: number, echo = 0): TcpOption {
  return { kind: 'timestamps', value, echo };
}

export function fastOpen(cookie: Uint8Array = new Uint8Array(0)): TcpOption {
  return { kind: 'fast-open', cookie };
}

/** `toa('10.0.88.100:21521')` */
export function toa(client: string, number: ToaNumber = TOA_DEFAULT_NUMBER): TcpOption {
  return { kind: 'toa', number, family: 'ipv4', client: endpoint(client) };
}

export function unknownOption(number: number, data: Uint8Array): TcpOption {
  return { kind: 'unknown', number, data };
}

/** Option bytes exactly as given, right or wrong. */
export function rawOption(bytes: Uint8Array): TcpOption {
  return malformed('bad-length', bytes);
}

function parseOption(option: Uint8Array): TcpOption {
  const view = viewOf(option);
  const number = view.getUint8(0);
  const length = option.length;
  switch (number) {
    case MSS:
      return length === 4 ? mss(view.getUint16(2)) : malformed('bad-length', option);
    case WINDOW_SCALE:
      return length === 3 ? windowScale(view.getUint8(2)) : malformed('bad-length', option);
    case SACK_PERMITTED:
      return length === 2 ? sackPermitted : malformed('bad-length', option);
    case SACK:
      return length >= 10 && length % 8 === 2 ? parseSack(view) : malformed('bad-length', option);
    case TIMESTAMPS:
      return length === 10
        ? timestamps(view.getUint32(2), view.getUint32(6))
        : malformed('bad-length', option);
    case FAST_OPEN:
      return fastOpen(option.slice(2));
    default:
      return parseByNumber(number, option);
  }
}

/** Numbers that TOA uses are experimental: with another length they are somebody else's. */
function parseByNumber(number: number, option: Uint8Array): TcpOption {
  const found = isToaNumber(number) ? parseToa(option) : undefined;
  return found?.ok ? { kind: 'toa', ...found.value } : unknownOption(number, option.slice(2));
}

function parseSack(view: DataView): TcpOption {
  const edges: [number, number][] = [];
  for (let at = 2; at < view.byteLength; at += 8)
    edges.push([view.getUint32(at), view.getUint32(at + 4)]);
  return sack(...edges);
}

function encodeOption(option: TcpOption): Uint8Array {
  switch (option.kind) {
    case 'nop':
      return Uint8Array.of(NOP);
    case 'end':
      return concat(Uint8Array.of(END), option.rest);
    case 'mss':
      return withLength(MSS, Uint8Array.of(option.bytes >>> 8, option.bytes));
    case 'window-scale':
      return withLength(WINDOW_SCALE, Uint8Array.of(option.shift));
    case 'sack-permitted':
      return withLength(SACK_PERMITTED, new Uint8Array(0));
    case 'sack':
      return withLength(SACK, longs(option.blocks.flatMap(({ left, right }) => [left, right])));
    case 'timestamps':
      return withLength(TIMESTAMPS, longs([option.value, option.echo]));
    case 'fast-open':
      return withLength(FAST_OPEN, option.cookie);
    case 'toa':
      return encodeToa(option);
    case 'unknown':
      return withLength(option.number, option.data);
    case 'malformed':
      return option.bytes;
  }
}

function withLength(number: number, data: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(number, 2 + data.length), data);
}

function longs(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  values.forEach((value, i) => viewOf(bytes).setUint32(i * 4, value));
  return bytes;
}

function malformed(reason: 'truncated' | 'bad-length', bytes: Uint8Array): TcpOption {
  return { kind: 'malformed', reason, bytes };
}
