import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, addressRange } from '../../packet/address-range.ts';
import type { Access, AccessPrefix4 } from '../../datapath/binding/contract.ts';
import type { AccessListConfig } from '../config/admission.ts';
import { MemoryTable, type Journal } from '../testdata/memory-maps.ts';
import { accessEntries, admissionValue, removeOtherLists, writeLists } from './access.ts';

const listOf = (allow: readonly string[], deny: readonly string[]): AccessListConfig => ({
  name: 'a',
  allow: allow.map(addressRange),
  deny: deny.map(addressRange),
});

async function meaningOf(list: AccessListConfig) {
  return Object.fromEntries(
    (await accessEntries(list)).entries.map(([{ bits, addr }, access]) => [
      formatCidr({ network: addr, prefixBits: bits - 64 }),
      access,
    ]),
  );
}

test('who is not named is let in, unless the list says only who may', async () => {
  assert.deepEqual(await meaningOf(listOf([], ['10.0.0.0/8'])), {
    '0.0.0.0/0': 'allow',
    '10.0.0.0/8': 'deny',
  });
  assert.deepEqual(await meaningOf(listOf(['10.0.0.0/8'], [])), {
    '0.0.0.0/0': 'deny',
    '10.0.0.0/8': 'allow',
  });
  assert.deepEqual(await meaningOf(listOf(['10.0.0.0/8'], ['10.1.0.0/16'])), {
    '0.0.0.0/0': 'allow',
    '10.0.0.0/8': 'allow',
    '10.1.0.0/16': 'deny',
  });
  assert.deepEqual(await meaningOf(listOf(['10.0.0.0/8'], ['0.0.0.0/0'])), {
    '0.0.0.0/0': 'deny',
    '10.0.0.0/8': 'allow',
  });
});

test('a range becomes prefixes; a file of nobody still says who may not', async () => {
  assert.deepEqual(await meaningOf(listOf([], ['192.0.2.1-192.0.2.2'])), {
    '0.0.0.0/0': 'allow',
    '192.0.2.1/32': 'deny',
    '192.0.2.2/32': 'deny',
  });
  assert.deepEqual(await meaningOf({ ...listOf([], []), denyFile: '/empty' }), {
    '0.0.0.0/0': 'allow',
  });
});

test('the same list has the same id in any order; another has another', async () => {
  const id = async (deny: string[]) => (await accessEntries(listOf([], deny))).id;
  assert.equal(await id(['10.0.0.0/8', '11.0.0.0/8']), await id(['11.0.0.0/8', '10.0.0.0/8']));
  assert.notEqual(id(['10.0.0.0/8']), await id(['11.0.0.0/8']));
});

test('a list that is there whole is not written again; half of one is; the old one goes last', async () => {
  const journal: Journal = [];
  const table = new MemoryTable<AccessPrefix4, Access>('prefixes', journal);
  const old = await accessEntries(listOf([], ['10.0.0.0/8']));
  const next = await accessEntries(listOf([], ['10.0.0.0/8', '11.0.0.0/8']));
  await writeLists(table, [old]);
  await writeLists(table, [old]);
  assert.deepEqual(journal.splice(0), ['prefixes + 2 entries']);
  const [half] = next.entries.slice(-1);
  assert.ok(half);
  await table.setMany([half]);
  await writeLists(table, [next]);
  assert.deepEqual(journal.splice(0), ['prefixes + 1 entries', 'prefixes + 3 entries']);
  assert.equal([...table.keys()].length, 5);
  await removeOtherLists(table, new Set([next.id]));
  assert.equal([...table.keys()].length, 3);
});

test('rates are an interval and what may be ahead of it', () => {
  const rateLimit = { connectionsPerSecond: 1_000, burst: 50 };
  const perClient = {
    prefix: 24,
    rate: { connectionsPerSecond: 3, burst: 1 },
    maxSessions: 7,
    maxOpening: 0,
  };
  assert.deepEqual(admissionValue({ rateLimit, perClient, synThreshold: 12 }, 9n), {
    access: 9n,
    rate: { intervalNs: 1_000_000n, toleranceNs: 49_000_000n },
    clientRate: { intervalNs: 333_333_333n, toleranceNs: 0n },
    clientSessionsMax: 7,
    clientOpeningMax: 0,
    clientBits: 24,
    synThreshold: 12,
  });
});
