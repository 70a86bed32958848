/**
 * Access lists as the kernel has them: prefixes under the name of their list, which is made
 * of what the list says. So a changed list is another list: it is written whole beside the
 * old one, then one store per listener leads to it.
 */
import { createHash } from 'node:crypto';
import { rangeCidrs, type AddressRange, type Cidr } from '../../packet/address-range.ts';
import { ipv4Address, type Ipv4Address } from '../../packet/address.ts';
import type { Access, AccessPrefix4, Admission, Rate } from '../../datapath/binding/contract.ts';
import type { AccessListConfig, RateLimit } from '../config/admission.ts';
import type { ListenerConfig } from '../config/balancer.ts';
import { breather } from '../daemon/breath.ts';
import type { PrefixTable } from './maps.ts';

/** 0: no list, everyone. */
export type ListId = bigint;
export type Entry = readonly [AccessPrefix4, Access];

/** A prefix in one number: its network times KEY_FACTOR, and its length. */
type PrefixKey = number;

const KEY_FACTOR = 64;
/** Of the list's name in a key, before the prefix's own. */
const LIST_BITS = 64;
const WORD_BITS = 32n;
const WORD_MASK = 0xffff_ffffn;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const EVERYONE: AddressRange = { first: ipv4Address(0), last: ipv4Address(0xffff_ffff) };

export type AccessEntries = { readonly id: ListId; readonly entries: readonly Entry[] };

/** The list's id and its entries, one of them for everyone that it does not name. */
export async function accessEntries(list: AccessListConfig): Promise<AccessEntries> {
  const breathe = breather();
  const saysWhoMayNot = list.deny.length > 0 || list.denyFile !== undefined;
  const prefixes = new Map<PrefixKey, Access>();
  const add = async (ranges: readonly AddressRange[], access: Access) => {
    for (const range of ranges) {
      for (const cidr of rangeCidrs(range)) prefixes.set(keyOf(cidr), access);
      await breathe();
    }
  };
  await add([EVERYONE], saysWhoMayNot ? 'allow' : 'deny');
  await add(list.allow, 'allow');
  await add(list.deny, 'deny'); // who is in two files is kept out
  const sorted = Float64Array.from(prefixes.keys()).toSorted();
  await breathe();
  const accessOf = (key: PrefixKey) => prefixes.get(key) ?? 'deny';
  const id = idOf(sorted.map((key) => (accessOf(key) === 'allow' ? key : -1 - key)));
  const words = [Number(id & WORD_MASK), Number(id >> WORD_BITS)];
  const entries: Entry[] = [];
  for (const key of sorted) {
    entries.push([prefixOf(key, words), accessOf(key)]);
    await breathe();
  }
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
  const breathe = breather();
  for (const prefix of stale) {
    table.delete(prefix);
    await breathe();
  }
}

export function admissionValue(
  {
    rateLimit,
    perClient,
    synThreshold,
  }: Pick<ListenerConfig, 'rateLimit' | 'perClient' | 'synThreshold'>,
  access: ListId,
): Admission {
  return {
    access,
    rate: rateOf(rateLimit),
    clientRate: rateOf(perClient?.rate),
    clientSessionsMax: perClient?.maxSessions ?? 0,
    clientOpeningMax: perClient?.maxOpening ?? 0,
    clientBits: perClient?.prefix ?? 0,
    synThreshold,
  };
}

function keyOf({ network, prefixBits }: Cidr): PrefixKey {
  return network * KEY_FACTOR + prefixBits;
}

function prefixOf(key: PrefixKey, list: number[]): AccessPrefix4 {
  const addr = Math.floor(key / KEY_FACTOR) as Ipv4Address;
  return { bits: LIST_BITS + (key % KEY_FACTOR), list, addr };
}

function idOf(said: Float64Array): ListId {
  return createHash('sha256').update(said).digest().readBigUInt64LE(0) || 1n;
}

function listIdOf([low = 0, high = 0]: readonly number[]): ListId {
  return (BigInt(high) << WORD_BITS) | BigInt(low);
}

function rateOf(limit: RateLimit | undefined): Rate {
  if (limit === undefined) return { intervalNs: 0n, toleranceNs: 0n };
  const intervalNs = NANOSECONDS_PER_SECOND / BigInt(limit.connectionsPerSecond);
  return { intervalNs, toleranceNs: intervalNs * BigInt(limit.burst - 1) };
}
