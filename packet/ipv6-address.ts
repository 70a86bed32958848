/** IPv6 addresses as text and as 16 bytes: for TOA of IPv6 clients, and to say "not yet" elsewhere. */
import { misread, parsed, type ParsedText } from './parsed.ts';
import type { Unit } from './unit.ts';

/** In RFC 5952 form: lower case, the longest run of zeros shortened. */
export type Ipv6Address = Unit<string, 'Ipv6Address'>;

export const IPV6_ADDRESS_BYTES = 16;
const GROUPS = 8;

export function parseIpv6Address(text: string): ParsedText<Ipv6Address> {
  const groups = readGroups(text);
  if (!groups) return misread('malformed', `'${text}' is not an IPv6 address like 2001:db8::1`);
  return parsed(formatGroups(groups));
}

/** Does this text, with or without a prefix length or zone, mean IPv6? */
export function isIpv6Text(text: string): boolean {
  return readGroups(text.replace(/[%/].*$/, '')) !== undefined;
}

export function ipv6AddressFromBytes(bytes: Uint8Array): Ipv6Address {
  if (bytes.length !== IPV6_ADDRESS_BYTES)
    throw new RangeError(`an IPv6 address has 16 bytes, got ${bytes.length}`);
  return formatGroups(
    Array.from({ length: GROUPS }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0)),
  );
}

export function ipv6AddressBytes(address: Ipv6Address): Uint8Array {
  const groups = readGroups(address);
  if (!groups) throw new RangeError(`not an IPv6 address: '${address}'`);
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 255]));
}

function readGroups(text: string): number[] | undefined {
  const halves = withHexTail(text).split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const shortened = tail ? GROUPS - (head?.length ?? 0) - tail.length : 0;
  if (tail && shortened < 1) return undefined;
  const groups = [...(head ?? []), ...Array<string>(shortened).fill('0'), ...(tail ?? [])];
  if (groups.length !== GROUPS) return undefined;
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}

/** `::ffff:10.0.0.1` → `::ffff:a00:1` */
function withHexTail(text: string): string {
  return text.replace(
    /:(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/,
    (whole, ...found: string[]) => {
      const [a, b, c, d] = found.slice(0, 4).map(Number) as [number, number, number, number];
      if (Math.max(a, b, c, d) > 255) return whole;
      return `:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    },
  );
}

function formatGroups(groups: readonly number[]): Ipv6Address {
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  const text =
    length < 2
      ? hex.join(':')
      : `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
  return text as Ipv6Address;
}

/** RFC 5952 section 4.2: the first of the longest runs, and never a single group. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
