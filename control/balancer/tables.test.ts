/** What is written to the kernel's maps, in which order, and what stays over a restart. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ipv4Address } from '../../packet/address.ts';
import type { BalancerConfig, PoolConfig } from '../config/balancer.ts';
import type { References } from '../daemon/references.ts';
import {
  balancerMemory,
  configOf,
  type BalancerMemory,
  type Sketch,
} from '../testdata/balancer.ts';
import { keyOf } from './desired.ts';
import type { Indices } from './indices.ts';
import { unpackTable } from './schedule-space.ts';
import { Tables } from './tables.ts';

const WEB = '10.0.23.111:18056';
const SHOP = '10.0.23.112:443';
const ONE = '10.0.98.79:8056';
const TWO = '10.0.98.80:8056';
const THREE = '10.0.98.81:8056';

const web: Sketch = { listeners: { [WEB]: 'web' }, pools: { web: { [ONE]: 1, [TWO]: 1 } } };
const nobody: References = { listeners: new Set(), backends: new Set() };

/** One life of a daemon: what is in the maps before is what an earlier one left. */
async function start(
  memory: BalancerMemory,
  sketch: Sketch,
  { references = nobody, nowMs = (): number => 0, out = [] as readonly string[] } = {},
) {
  const tables = new Tables({
    maps: memory.maps,
    findReferences: async () => references,
    nowMs,
    randomSecret: () => [7n, 9n],
  });
  memory.journal.length = 0;
  const config = configOf(sketch);
  const outOfUse = await tables.backendsOutOfUse(config);
  await tables.apply(config, (pool, indices) => ({
    select: 'round-robin',
    entries: inOrder(config, pool, indices, out),
  }));
  const [pool] = config.pools;
  const writeSchedule = (entries: readonly number[]) =>
    tables.writeSchedule(pool as PoolConfig, { select: 'round-robin', entries });
  return { tables, outOfUse, indices: tables.indices, writeSchedule };
}

/** Every backend with a weight once, but for those that are out. */
function inOrder(config: BalancerConfig, pool: string, indices: Indices, out: readonly string[]) {
  const backends = config.pools.find(({ name }) => name === pool)?.backends ?? [];
  return backends
    .filter(({ address, weight }) => weight > 0 && !out.includes(keyOf(address)))
    .map(({ address }) => indices.backends.get(keyOf(address)) ?? -1);
}

function listenerAt({ maps }: BalancerMemory, text: string) {
  const [key] = [...maps.listeners.keys()].filter(
    (one) => keyOf({ address: one.addr, port: one.port }) === text,
  );
  return key === undefined ? undefined : maps.listeners.get(key);
}

/** What a SYN to the listener would be given, entry by entry. */
function scheduled(memory: BalancerMemory, text: string): string[] | undefined {
  const { maps } = memory;
  const listener = listenerAt(memory, text);
  if (listener === undefined) return undefined;
  const { offset, length } = unpackTable(maps.pools.get(listener.pool).table);
  return Array.from({ length }, (_, i) => {
    const { addr, port, used } = maps.backends.get(maps.schedule.get(offset + i));
    return used ? keyOf({ address: addr, port }) : 'unused';
  });
}

/** Backends that resting sessions do not come back to. */
function outOf({ maps }: BalancerMemory): string[] {
  return Array.from({ length: maps.backends.length }, (_, index) => maps.backends.get(index))
    .filter(({ used, out }) => used && out)
    .map(({ addr, port }) => keyOf({ address: addr, port }));
}

describe('the first start', () => {
  test('writes backends, locals, schedule, pools and only then the listener', async () => {
    const memory = balancerMemory();
    await start(memory, web);
    const maps = memory.journal.map((line) => line.split(' ')[0]);
    const firstOf = (name: string) => maps.indexOf(name);
    const lastOf = (name: string) => maps.lastIndexOf(name);
    const order = ['settings', 'backends', 'locals', 'schedule', 'pools', 'listeners'];
    // Backends are written again once they are in a table: until then they are out.
    const isLaterThan = (name: string, other: string) =>
      (other === 'backends' ? firstOf(other) : lastOf(other)) < firstOf(name);
    for (const [i, name] of order.slice(1).entries())
      assert.ok(isLaterThan(name, order[i] ?? ''), `${order[i]} before ${name}`);
    assert.ok(lastOf('backends') < firstOf('pools'));
    assert.ok(lastOf('localsByAddr') < firstOf('pools'));
    assert.deepEqual(scheduled(memory, WEB), [ONE, TWO]);
    assert.deepEqual(outOf(memory), []);
    assert.deepEqual(memory.maps.settings.get(0).secret, [7n, 9n]);
    assert.equal(memory.maps.settings.get(0).localCount, 2);
  });

  test('settings are in ticks of 2^20 ns, rounded up', async () => {
    const memory = balancerMemory();
    await start(memory, web);
    const { timeout, sessionCapacity, openingMax } = memory.maps.settings.get(0);
    assert.deepEqual(timeout, [0, 9_537, 858_307, 114_441, 61_036, 9_537, 0, 0]);
    assert.deepEqual([sessionCapacity, openingMax], [1_000, 100]);
  });

  test('a pool without a usable backend has the table 0', async () => {
    const memory = balancerMemory();
    await start(memory, web, { out: [ONE, TWO] });
    assert.equal(memory.maps.pools.get(listenerAt(memory, WEB)?.pool ?? -1).table, 0n);
    assert.deepEqual(scheduled(memory, WEB), []);
  });
});

describe('a restart', () => {
  test('with the same configuration swaps no table and keeps the secret', async () => {
    const memory = balancerMemory();
    await start(memory, web);
    memory.maps.settings.set(0, { ...memory.maps.settings.get(0), secret: [1n, 2n] });
    await start(memory, web);
    assert.deepEqual(memory.maps.settings.get(0).secret, [1n, 2n]);
    const changed = memory.journal.filter((line) =>
      /^(schedule|pools|backends|locals) /.test(line),
    );
    assert.deepEqual(changed, []);
  });

  test('a backend added first in the list leaves the others their indices', async () => {
    const memory = balancerMemory();
    const before = await start(memory, web);
    const pools = { web: { [THREE]: 1, [ONE]: 1, [TWO]: 1 } };
    const after = await start(memory, { ...web, pools });
    for (const key of [ONE, TWO])
      assert.equal(after.indices.backends.get(key), before.indices.backends.get(key));
    assert.deepEqual(scheduled(memory, WEB), [THREE, ONE, TWO]);
  });

  test('a listener that is gone is removed before anything it leads to is changed', async () => {
    const memory = balancerMemory();
    await start(memory, { listeners: { [WEB]: 'web', [SHOP]: 'web' }, pools: web.pools });
    await start(memory, { ...web, pools: { web: { [THREE]: 1 } } });
    assert.equal(listenerAt(memory, SHOP), undefined);
    const removed = memory.journal.findIndex((line) => line.startsWith('listeners -'));
    const next = memory.journal.findIndex((line) => /^(backends|pools|schedule|locals)/.test(line));
    assert.ok(removed >= 0 && removed < next, memory.journal.join('\n'));
  });

  test('a removed backend is unused only after no table has it any more', async () => {
    const memory = balancerMemory();
    const { indices } = await start(memory, web);
    await start(memory, { ...web, pools: { web: { [ONE]: 1 } } });
    const index = indices.backends.get(TWO) ?? -1;
    const retired = memory.journal.lastIndexOf(`backends + ${index}`);
    const swapped = memory.journal.findIndex((line) => line.startsWith('pools +'));
    assert.ok(swapped >= 0 && swapped < retired, memory.journal.join('\n'));
    assert.equal(memory.maps.backends.get(index).used, false);
  });

  test('a backend that comes back gets its old index, with its counters', async () => {
    const memory = balancerMemory();
    const before = await start(memory, web);
    await start(memory, { ...web, pools: { web: { [ONE]: 1 } } });
    const after = await start(memory, web);
    assert.equal(after.indices.backends.get(TWO), before.indices.backends.get(TWO));
    assert.ok(!memory.journal.some((line) => line.startsWith('backendTraffic')));
  });

  test('the index of a removed backend is not given away while sessions refer to it', async () => {
    const memory = balancerMemory({ small: 3 });
    const before = await start(memory, web);
    const old = before.indices.backends.get(TWO) ?? -1;
    const references = { listeners: new Set<number>(), backends: new Set([old]) };
    await start(memory, { ...web, pools: { web: { [ONE]: 1 } } });
    const third = { ...web, pools: { web: { [ONE]: 1, [THREE]: 1 } } };
    const after = await start(memory, third, { references });
    assert.notEqual(after.indices.backends.get(THREE), old);
    const fourth = { ...web, pools: { web: { [ONE]: 1, [THREE]: 1, '10.0.98.82:80': 1 } } };
    await assert.rejects(
      start(memory, fourth, { references }),
      /room for 3 backends.*10\.0\.98\.82:80/,
    );
    const freed = await start(memory, fourth);
    assert.equal(freed.indices.backends.get('10.0.98.82:80'), old);
    assert.ok(memory.journal.includes(`backendTraffic 0 ${old}`), 'it counts anew');
  });

  test('the index of a removed listener is not given away while sessions refer to it', async () => {
    const memory = balancerMemory();
    await start(memory, web);
    const shop: Sketch = { listeners: { [SHOP]: 'web' }, pools: web.pools };
    await start(memory, { listeners: {}, pools: web.pools });
    const references = { listeners: new Set([0]), backends: new Set<number>() };
    assert.equal((await start(memory, shop, { references })).indices.listeners.get(SHOP), 1);
    await start(memory, { listeners: {}, pools: web.pools });
    assert.equal((await start(memory, shop)).indices.listeners.get(SHOP), 0);
    assert.ok(memory.journal.includes('listenerTraffic 0 0'), 'it counts anew');
  });

  test('a new pool never takes the place of one that a listener still points to', async () => {
    const memory = balancerMemory();
    await start(memory, web);
    const old = listenerAt(memory, WEB)?.pool;
    const renamed = { listeners: { [SHOP]: 'shop' }, pools: { shop: { [THREE]: 1 } } };
    await start(memory, renamed);
    assert.notEqual(listenerAt(memory, SHOP)?.pool, old);
    assert.equal(memory.maps.pools.get(old ?? -1).localsCount, 0, 'the old one is cleared');
  });

  test('finds which backends the daemon before it had taken out of use', async () => {
    const memory = balancerMemory();
    assert.equal((await start(memory, web, { out: [TWO] })).outOfUse.size, 0);
    const pools = { web: { [ONE]: 1, [TWO]: 1, [THREE]: 1 }, fresh: { [TWO]: 1 } };
    const listeners = { [WEB]: 'web', [SHOP]: 'fresh' };
    const { outOfUse } = await start(memory, { listeners, pools });
    assert.deepEqual(outOfUse, new Map([['web', new Set([TWO])]]), 'not what is new');
  });

  test('locals that stay keep their index; there are no gaps; what goes is forgotten last', async () => {
    const memory = balancerMemory();
    await start(memory, { ...web, locals: ['10.0.124.160-10.0.124.163'] });
    await start(memory, { ...web, locals: ['10.0.124.161-10.0.124.162', '10.0.124.165'] });
    const { maps, journal } = memory;
    assert.deepEqual(
      [0, 1, 2].map((index) => maps.locals.get(index).addr),
      ['10.0.124.165', '10.0.124.161', '10.0.124.162'].map((text) => ipv4Address(text)),
    );
    assert.equal(maps.pools.get(listenerAt(memory, WEB)?.pool ?? -1).localsCount, 3);
    const removed = journal.flatMap((line, i) => (line.startsWith('localsByAddr -') ? [i] : []));
    assert.equal(removed.length, 2);
    assert.ok(Math.min(...removed) > journal.lastIndexOf('pools + 0'));
  });
});

test('accounts of local ports are forgotten with a backend that is gone, never with a local that moved', async () => {
  const memory = balancerMemory({ small: 2 });
  const locals = ['10.0.124.160-10.0.124.161'];
  const { indices } = await start(memory, { ...web, locals });
  const [one, two] = [ONE, TWO].map((key) => indices.backends.get(key) ?? -1);
  const pairs = [0, 1].flatMap((local) =>
    [one, two].map((backend) => ({ local, backend: backend ?? -1 })),
  );
  const idle = { allocated: 9, probes: 9, failed: 0, reused: 0, cursor: 5, inUse: 0, resting: 0 };
  for (const pair of pairs) memory.maps.localPorts.set(pair, idle);
  await start(memory, { ...web, locals: ['10.0.124.161', '10.0.124.163'] });
  await start(memory, { ...web, pools: { web: { [ONE]: 1 } }, locals });
  /* a session may begin at any moment, and its end is counted in the account of its beginning */
  assert.equal([...memory.maps.localPorts.keys()].length, 4);
  await start(memory, { ...web, pools: { web: { [ONE]: 1, [THREE]: 1 } }, locals });
  assert.deepEqual(
    new Set([...memory.maps.localPorts.keys()].map(({ backend }) => backend)),
    new Set([one]),
  );
});

test('a table that is swapped again and again never lies where the last one was', async () => {
  let nowMs = 0;
  const memory = balancerMemory({ schedule: 6 });
  const { writeSchedule, indices } = await start(memory, web, { nowMs: () => nowMs });
  const [one, two] = [indices.backends.get(ONE) ?? -1, indices.backends.get(TWO) ?? -1];
  const placeOf = () =>
    unpackTable(memory.maps.pools.get(listenerAt(memory, WEB)?.pool ?? -1).table);
  const first = placeOf();
  await writeSchedule([two, one]);
  const second = placeOf();
  assert.notEqual(second.offset, first.offset);
  await writeSchedule([one, one]);
  await assert.rejects(writeSchedule([two, two]), /no 2 in a row are free/);
  nowMs = 1_001;
  await writeSchedule([two, two]);
  assert.equal(placeOf().offset, first.offset);
});

test('a backend that leaves its table is out, and one that comes back is not', async () => {
  const memory = balancerMemory();
  const { writeSchedule, indices } = await start(memory, web);
  const [one, two] = [indices.backends.get(ONE) ?? -1, indices.backends.get(TWO) ?? -1];
  await writeSchedule([one]);
  assert.deepEqual(outOf(memory), [TWO]);
  await writeSchedule([two]);
  assert.deepEqual(outOf(memory), [ONE]);
  await writeSchedule([]);
  assert.deepEqual(outOf(memory), [ONE, TWO]);
  await writeSchedule([one, two]);
  assert.deepEqual(outOf(memory), []);
});

const anySketch = fc
  .record({
    listeners: fc.dictionary(
      fc.constantFrom(WEB, SHOP, '10.0.23.113:80'),
      fc.constantFrom('a', 'b'),
    ),
    a: fc.dictionary(fc.constantFrom(ONE, TWO, THREE), fc.integer({ min: 0, max: 2 })),
    b: fc.dictionary(fc.constantFrom(ONE, TWO, THREE), fc.integer({ min: 0, max: 2 })),
    locals: fc.uniqueArray(fc.integer({ min: 160, max: 166 }), { minLength: 1 }),
  })
  .map(({ listeners, a, b, locals }): Sketch => ({
    listeners,
    pools: { a, b },
    locals: locals.map((last) => `10.0.124.${last}`),
  }));

test('whatever came before, every listener leads to the backends of its pool, before, after and between', async () => {
  const sketches = fc.array(anySketch, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(sketches, async (lives) => {
      const memory = balancerMemory();
      let nowMs = 0;
      for (const sketch of lives) {
        nowMs += 2_000;
        const wanted = wantedOf(sketch);
        const { indices } = await watched(memory, wanted, () =>
          start(memory, sketch, { nowMs: () => nowMs }),
        );
        assert.deepEqual(scheduledByListener(memory), wanted);
        assertIndicesMatch(memory, indices, sketch);
      }
    }),
    { numRuns: 200 },
  );
});

/** Listener → backends that a SYN to it may be given. */
type Leads = ReadonlyMap<string, readonly string[] | undefined>;

function wantedOf({ listeners, pools }: Sketch): Leads {
  const backendsOf = (pool: string) =>
    Object.entries(pools[pool] ?? {}).flatMap(([key, weight]) => (weight > 0 ? [key] : []));
  const leads = Object.entries(listeners).map(([key, pool]) => [key, backendsOf(pool)] as const);
  return new Map(leads);
}

function scheduledByListener(memory: BalancerMemory): Leads {
  const texts = [...memory.maps.listeners.keys()].map(({ addr, port }) =>
    keyOf({ address: addr, port }),
  );
  return new Map(texts.map((text) => [text, scheduled(memory, text)]));
}

/** Before each single write, every listener must lead to all of the old or all of the new. */
async function watched<T>(
  memory: BalancerMemory,
  wanted: Leads,
  work: () => Promise<T>,
): Promise<T> {
  const old = scheduledByListener(memory);
  const { journal } = memory;
  journal.push = (line) => {
    for (const [listener, leads] of scheduledByListener(memory)) {
      const allowed = [old.get(listener), wanted.get(listener)].map((list) => list?.join());
      assert.ok(
        allowed.includes(leads?.join()),
        `${listener} led to ${leads?.join()} before ${line}`,
      );
    }
    return Array.prototype.push.call(journal, line);
  };
  return work();
}

function assertIndicesMatch({ maps }: BalancerMemory, indices: Indices, { locals }: Sketch): void {
  assert.equal(new Set(indices.backends.values()).size, indices.backends.size);
  assert.equal(new Set(indices.pools.values()).size, indices.pools.size);
  assert.equal(indices.locals.length, locals?.length);
  for (const key of maps.listeners.keys())
    assert.equal(maps.pools.get(maps.listeners.get(key)?.pool ?? -1).localsCount, locals?.length);
  for (const i of indices.locals.keys())
    assert.equal(maps.localsByAddr.get(maps.locals.get(i).addr), i);
  assert.equal([...maps.localsByAddr.keys()].length, locals?.length);
}
