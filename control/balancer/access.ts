/**
 * Access lists as the kernel has them: prefixes under the name of their list, which is made
 * of what the list says. So a changed list is another list: it is written whole beside the
 * old one, then one store per listener leads to it.
 */
import { createHash } from 'node:crypto';
import { formatCidr, rangeCidrs, type AddressRange } from '../../packet/address-range.ts';
import { ipv4Address } from '../../packet/address.ts';
import type { Access, AccessPrefix4, Admission, Rate } from '../../datapath/binding/contract.ts';
import type { AccessListConfig, RateLimit } from '../config/admission.ts';
import type { ListenerConfig } from '../config/balancer.ts';
import type { ReadText } from '../config/machine.ts';
import { parsePrefixFile } from '../config/prefix-file.ts';
import type { PrefixTable } from './maps.ts';

/** 0: no list, everyone. */
export type ListId = bigint;
export type Entry = readonly [AccessPrefix4, Access];

/** Of the list's name in a key, before the prefix's own. */
const LIST_BITS = 64;
const WORD_BITS = 32n;
const WORD_MASK = 0xffff_ffffn;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const EVERYONE: AddressRange = { first: ipv4Address(0), last: ipv4Address(0xffff_ffff) };

/** The list's id and its entries, one of them for everyone that it does not name. */
export function accessEntries(
  list: AccessListConfig,
  readText: (path: string) => ReadText,
): { readonly id: ListId; readonly entries: readonly Entry[] } {
  const allow = [...list.allow, ...rangesOf(list.allowFile, readText)];
  const deny = [...list.deny, ...rangesOf(list.denyFile, readText)];
  const saysWhoMayNot = deny.length > 0 || list.denyFile !== undefined;
  const prefixes = new Map<string, { prefix: AccessPrefix4; access: Access }>();
  const add = (ranges: readonly AddressRange[], access: Access) => {
    for (const cidr of ranges.flatMap(rangeCidrs)) {
      const prefix = { bits: LIST_BITS + cidr.prefixBits, list: [0, 0], addr: cidr.network };
      prefixes.set(formatCidr(cidr), { prefix, access });
    }
  };
  add([EVERYONE], saysWhoMayNot ? 'allow' : 'deny');
  add(allow, 'allow');
  add(deny, 'deny'); // who is in two files is kept out
  const id = idOf([...prefixes].map(([text, { access }]) => `${access} ${text}`));
  const words = [Number(id & WORD_MASK), Number(id >> WORD_BITS)];
  const entries = [...prefixes.values()].map(({ prefix, access }): Entry => [
    { ...prefix, list: words },
    access,
  ]);
  return { id, entries };
}

/** Writes the lists that are not there whole. */
export async function writeLists(
  table: PrefixTable,
  lists: readonly { readonly id: ListId; readonly entries: readonly Entry[] }[],
): Promise<void> {
  const present = new Map<ListId, number>();
  for await (const batch of table.entries())
    for (const [{ list }] of batch)
      present.set(listIdOf(list), (present.get(listIdOf(list)) ?? 0) + 1);
  for (const { id, entries } of lists)
    if (present.get(id) !== entries.length) await table.setMany(entries);
}

/** Removes every list but these, when no listener leads to it any more. */
export async function removeOtherLists(
  table: PrefixTable,
  wanted: ReadonlySet<ListId>,
): Promise<void> {
  const stale: AccessPrefix4[] = [];
  for await (const batch of table.entries())
    for (const [prefix] of batch) if (!wanted.has(listIdOf(prefix.list))) stale.push(prefix);
  for (const prefix of stale) table.delete(prefix);
}

export function admissionValue(
  { rateLimit, perClient }: Pick<ListenerConfig, 'rateLimit' | 'perClient'>,
  access: ListId,
): Admission {
  return {
    access,
    rate: rateOf(rateLimit),
    clientRate: rateOf(perClient?.rate),
    clientSessionsMax: perClient?.maxSessions ?? 0,
    clientOpeningMax: perClient?.maxOpening ?? 0,
    clientBits: perClient?.prefix ?? 0,
  };
}

function rangesOf(
  file: string | undefined,
  readText: (path: string) => ReadText,
): readonly AddressRange[] {
  if (file === undefined) return [];
  const read = readText(file);
  if (!read.ok) throw new Error(`the access list ${file} cannot be read: ${read.message}`);
  const { ranges, bad } = parsePrefixFile(read.text);
  const [first] = bad;
  if (first)
    throw new Error(`the access list ${file} is wrong in line ${first.line}: ${first.message}`);
  return ranges;
}

function idOf(lines: readonly string[]): ListId {
  const digest = createHash('sha256').update(lines.toSorted(byText).join('\n')).digest();
  return digest.readBigUInt64LE(0) || 1n;
}

function listIdOf([low = 0, high = 0]: readonly number[]): ListId {
  return (BigInt(high) << WORD_BITS) | BigInt(low);
}

function rateOf(limit: RateLimit | undefined): Rate {
  if (limit === undefined) return { intervalNs: 0n, toleranceNs: 0n };
  const intervalNs = NANOSECONDS_PER_SECOND / BigInt(limit.connectionsPerSecond);
  return { intervalNs, toleranceNs: intervalNs * BigInt(limit.burst - 1) };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
