/** Access lists, made ready for one look-up a connection: the longest prefix that contains the client counts. */
import type { Ipv4Address } from '../../packet/address.ts';
import type { Access, AccessPrefix4 } from '../binding/contract.ts';

type List = ReadonlyMap<number, ReadonlyMap<number, Access>>;
export type AccessLists = ReadonlyMap<bigint, List>;

/** Of the list's name in a key, before the prefix's own. */
const LIST_BITS = 64;
const ADDRESS_BITS = 32;

/** By list, then by length of prefix, the longest first. */
export async function readAccessLists(table: {
  entries(): AsyncIterable<readonly (readonly [AccessPrefix4, Access])[]>;
}): Promise<AccessLists> {
  const lists = new Map<bigint, Map<number, Map<number, Access>>>();
  for await (const batch of table.entries())
    for (const [{ bits, list, addr }, access] of batch) {
      const lengths = lists.get(idOf(list)) ?? new Map<number, Map<number, Access>>();
      lists.set(idOf(list), lengths);
      const prefixes = lengths.get(bits - LIST_BITS) ?? new Map<number, Access>();
      lengths.set(bits - LIST_BITS, prefixes);
      prefixes.set(networkOf(addr, bits - LIST_BITS), access);
    }
  return new Map([...lists].map(([id, lengths]) => [id, longestFirst(lengths)]));
}

/** List 0 is everyone's. */
export function isDenied(lists: AccessLists, id: bigint, client: Ipv4Address): boolean {
  if (id === 0n) return false;
  for (const [bits, prefixes] of lists.get(id) ?? []) {
    const access = prefixes.get(networkOf(client, bits));
    if (access !== undefined) return access === 'deny';
  }
  return true;
}

function longestFirst(lengths: ReadonlyMap<number, ReadonlyMap<number, Access>>): List {
  return new Map([...lengths].toSorted(([a], [b]) => b - a));
}

function networkOf(address: Ipv4Address, bits: number): number {
  const rest = 2 ** (ADDRESS_BITS - bits);
  return Math.floor(address / rest) * rest;
}

function idOf([low = 0, high = 0]: readonly number[]): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
