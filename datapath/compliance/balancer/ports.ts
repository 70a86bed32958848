/** Local ports: unique, late to come back, hard to foretell, found with bounded work. */
import assert from 'node:assert/strict';
import { formatEndpoint } from '../../../packet/index.ts';
import type { BalancerTables, DataPath } from '../../model/index.ts';
import type { Law } from '../law.ts';
import { BACKEND, OTHER_BACKEND } from '../network.ts';
import { WEB_TABLES } from '../tables.ts';
import { client, close, establish, noFaults, open, portRange, tryOpen } from './clients.ts';

type Balancer = DataPath<BalancerTables>;

const TRIES_MAX = 64; /* candidates looked at for one SYN and one local */
const ORDER_PORTS = 1000;
/** A client would have sent its SYN again by then, and a port has rested. */
const A_WHILE_SECONDS = 2;
/** More than three retransmissions take. */
const LONG_SECONDS = 8;
const [SECRET, OTHER_SECRET] = [
  [1n, 2n],
  [3n, 4n],
] as const;

const exhaustion = [1, 2, 5, 16, 17, 64, 257].map((count): Law<BalancerTables> => ({
  name: `a range of ${count} ports gives each out once, then refuses and says so`,
  check: (path) => {
    path.reset(portRange(count));
    const ways = Array.from({ length: count }, (_, i) => open(path, i));
    for (const way of ways) establish(path, way);
    const given = ways.map(({ local }) => local.port);
    assert.deepEqual(
      given.toSorted((a, b) => a - b),
      range(count),
    );
    assert.equal(tryOpen(path, count), undefined);
    const { ports, events } = path.state();
    assert.deepEqual(
      { allocated: ports['0/0']?.allocated, failed: ports['0/0']?.failed },
      { allocated: count, failed: 1 },
    );
    assert.deepEqual(
      events.map(({ type }) => type),
      ['no-local-port'],
    );
    noFaults(path);
  },
}));

export const portLaws: readonly Law<BalancerTables>[] = [
  ...exhaustion,
  {
    name: 'one port serves several backends at once, and none of them twice',
    check: (path) => {
      const pools = WEB_TABLES.pools.map((pool) => ({ ...pool, schedule: [0, 1] }));
      path.reset({ ...portRange(1), backends: [BACKEND, OTHER_BACKEND], pools });
      const ways = Array.from({ length: 20 }, (_, i) => tryOpen(path, i) ?? []).flat();
      assert.deepEqual(ways.map(({ backend }) => backend).toSorted(), [BACKEND, OTHER_BACKEND]);
      assert.deepEqual(new Set(ways.map(({ local }) => local.port)), new Set([5000]));
      noFaults(path);
    },
  },
  {
    name: 'no two live sessions share local, port and backend',
    check: (path) => {
      const pools = WEB_TABLES.pools.map((pool) => ({
        ...pool,
        schedule: [0, 1, 1],
        locals: { first: 0, count: 3 },
      }));
      const locals = ['10.0.124.161', '10.0.124.162', '10.0.124.163'].map((address, i) => ({
        address,
        ports: [5000, 5020 + 7 * i] as const,
      }));
      path.reset({ ...WEB_TABLES, backends: [BACKEND, OTHER_BACKEND], pools, locals });
      const ways = Array.from({ length: 200 }, (_, i) => tryOpen(path, i) ?? []).flat();
      const tuples = new Set(
        ways.map(({ local, backend }) => `${formatEndpoint(local)}>${backend}`),
      );
      assert.equal(tuples.size, ways.length);
      assert.ok(ways.length > 100);
      noFaults(path);
    },
  },
  {
    name: 'when a local is full the next one is asked, and the SYN is refused when all are',
    check: (path) => {
      const locals = ['10.0.124.161', '10.0.124.162', '10.0.124.163'].map((address) => ({
        address,
        ports: [5000, 5001] as const,
      }));
      const pools = WEB_TABLES.pools.map((pool) => ({ ...pool, locals: { first: 0, count: 3 } }));
      path.reset({ ...WEB_TABLES, locals, pools });
      const ways = Array.from({ length: 6 }, (_, i) => open(path, i));
      for (const way of ways) establish(path, way);
      assert.equal(new Set(ways.map(({ local }) => formatEndpoint(local))).size, 6);
      assert.equal(tryOpen(path, 6), undefined);
      const { ports } = path.state();
      for (const local of [0, 1, 2]) assert.equal(ports[`${local}/0`]?.inUse, 2);
    },
  },
  {
    name: 'the order is a permutation that comes round after all ports, and a new one for each secret',
    check: (path) => {
      const orders = [SECRET, SECRET, OTHER_SECRET].map((secret) => orderOf(path, secret));
      const [first, again, other] = orders;
      assert.deepEqual(
        first?.toSorted((a, b) => a - b),
        range(ORDER_PORTS),
      );
      assert.deepEqual(again, first);
      assert.notDeepEqual(other, first);
      const same = first?.filter((port, i) => port === other?.[i]).length ?? 0;
      assert.ok(same < ORDER_PORTS / 50, `${same} ports in the same place under another secret`);
    },
  },
  {
    name: 'the next port cannot be told from the last one',
    check: (path) => {
      const order = orderOf(path, SECRET);
      const steps = new Map<number, number>();
      order.forEach((port, i) => {
        const step = (port - (order.at(i - 1) ?? 0) + ORDER_PORTS) % ORDER_PORTS;
        steps.set(step, (steps.get(step) ?? 0) + 1);
      });
      assert.ok(Math.max(...steps.values()) < 12, 'a step between two ports is too common');
      // Sixteenths of the range that follow each other: chi-square, 255 degrees of freedom.
      const cells = Array.from({ length: 256 }, () => 0);
      const sixteenth = (port: number) => Math.floor(((port - 5000) * 16) / ORDER_PORTS);
      order.forEach((port, i) => {
        const cell = sixteenth(order.at(i - 1) ?? 0) * 16 + sixteenth(port);
        cells[cell] = (cells[cell] ?? 0) + 1;
      });
      const expected = ORDER_PORTS / 256;
      const chiSquare = cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      assert.ok(chiSquare < 360, `chi-square ${chiSquare}: beyond 1 in 100,000`);
    },
  },
  {
    name: 'at most 64 candidates are looked at for a SYN, however full the range',
    check: (path) => {
      path.reset(portRange(300));
      let before = 0;
      for (let i = 0; i < 300; i++) {
        open(path, i);
        const probes = path.state().ports['0/0']?.probes ?? 0;
        assert.ok(probes - before <= TRIES_MAX);
        before = probes;
      }
    },
  },
  {
    name: 'a port that was released is not used again before all others had their turn',
    check: async (path) => {
      path.reset(portRange(40));
      const last = new Map<number, number>();
      for (let i = 0; i < 120; i++) {
        const way = open(path, i);
        const since = i - (last.get(way.local.port) ?? -Infinity);
        assert.ok(since >= 40, `${way.local.port} came back after ${since}`);
        last.set(way.local.port, i);
        establish(path, way);
        close(path, way);
        if (i % 20 === 19) {
          path.elapse(70);
          await path.sweep();
        }
      }
      noFaults(path);
    },
  },
  ...[17, 300, 1100].map((count): Law<BalancerTables> => ({
    name: `the one free port of ${count} is found within ${Math.ceil(count / TRIES_MAX) + 1} SYNs`,
    check: async (path) => {
      for (const seed of [1n, 2n, 3n]) {
        path.reset({
          ...portRange(count),
          secret: [seed, seed],
          sessionCapacity: 4096,
          openingMax: 4096,
        });
        const ways = Array.from({ length: count }, (_, i) => open(path, i));
        for (const way of ways) establish(path, way);
        const released = ways[count >> 1];
        assert.ok(released);
        close(path, released);
        path.elapse(70);
        await path.sweep();
        assert.equal(path.state().sessions.length, count - 1);
        const tries = Math.ceil(count / TRIES_MAX) + 1;
        const found = Array.from(
          { length: tries },
          (_, i) => tryOpen(path, count + i) ?? [],
        ).flat();
        assert.deepEqual(
          found.map(({ local }) => local.port),
          [released.local.port],
        );
      }
    },
  })),
  {
    name: 'a full range recovers when a session has rested',
    check: async (path) => {
      path.reset(portRange(2));
      const [first, second] = [open(path, 0), open(path, 1)];
      establish(path, first);
      establish(path, second);
      assert.equal(tryOpen(path, 2), undefined);
      close(path, first);
      assert.equal(tryOpen(path, 2), undefined, 'a port that rests is not given out');
      path.elapse(70);
      await path.sweep();
      assert.deepEqual(open(path, 2).local, first.local);
      noFaults(path);
    },
  },
  {
    name: 'half-open sessions give way, established ones never, however many there are',
    check: (path) => {
      path.reset({ ...portRange(200), openingMax: 4 });
      for (let i = 0; i < 100; i++) establish(path, open(path, i));
      for (let i = 100; i < 140; i++) open(path, i);
      const { sessions, evicted } = path.state();
      const states = sessions.map(({ state }) => state);
      assert.equal(states.filter((state) => state === 'established').length, 100);
      assert.equal(states.length + evicted, 140);
      assert.ok(evicted > 0, 'the limit is soft, but there is one');
      noFaults(path);
    },
  },
  {
    name: 'a flood that leaves half-open sessions does not keep a small range to itself',
    check: (path) => {
      path.reset(portRange(3));
      const flood = [0, 1, 2].map((i) => open(path, i));
      path.elapse(A_WHILE_SECONDS);
      const next = [3, 4, 5].map((i) => open(path, i));
      const [floodPorts, nextPorts] = [flood, next].map((ways) =>
        ways.map((way) => way.local.port),
      );
      assert.deepEqual(new Set(nextPorts), new Set(floodPorts));
      for (const way of next) establish(path, way);
      path.elapse(A_WHILE_SECONDS);
      assert.equal(tryOpen(path, 6), undefined, 'an established session gave way');
      noFaults(path);
    },
  },
  {
    name: 'the half-open session that is the oldest gives its port away, in every local',
    check: (path) => {
      const locals = ['10.0.124.161', '10.0.124.162'].map((address) => ({
        address,
        ports: [5000, 5001] as const,
      }));
      const pools = WEB_TABLES.pools.map((pool) => ({ ...pool, locals: { first: 0, count: 2 } }));
      path.reset({ ...WEB_TABLES, locals, pools });
      const ways = [0, 1, 2, 3].map((i) => {
        path.elapse(A_WHILE_SECONDS);
        return open(path, i);
      });
      path.elapse(A_WHILE_SECONDS);
      assert.deepEqual(open(path, 4).local, ways[0]?.local);
      assert.deepEqual(open(path, 5).local, ways[1]?.local);
      noFaults(path);
    },
  },
  {
    name: 'half-open sessions give way for a port among established ones, and those do not',
    check: (path) => {
      path.reset(portRange(40));
      const ways = Array.from({ length: 40 }, (_, i) => open(path, i));
      const [halfOpen, ...others] = ways;
      assert.ok(halfOpen);
      for (const way of others) establish(path, way);
      for (let i = 40; i < 50; i++) {
        path.elapse(A_WHILE_SECONDS);
        assert.deepEqual(open(path, i).local, halfOpen.local);
      }
      assert.equal(path.state().sessions.filter((one) => one.state === 'established').length, 39);
      noFaults(path);
    },
  },
  {
    name: 'a resting port goes before a half-open one, however long that has been so',
    check: (path) => {
      path.reset(portRange(2));
      open(path, 0);
      path.elapse(A_WHILE_SECONDS);
      const closed = open(path, 1);
      establish(path, closed);
      close(path, closed);
      path.elapse(A_WHILE_SECONDS);
      assert.deepEqual(open(path, 2).local, closed.local);
      assert.equal(path.state().ports['0/0']?.reused, 1);
      noFaults(path);
    },
  },
  {
    name: 'a port that has rested long is looked for further ahead: a last packet may have been lost',
    check: (path) => {
      path.reset(portRange(16));
      const ways = Array.from({ length: 16 }, (_, i) => open(path, i));
      for (const way of ways) establish(path, way);
      const old = ways[12];
      assert.ok(old);
      close(path, old);
      path.elapse(LONG_SECONDS);
      for (const way of ways.slice(0, 12)) close(path, way);
      path.elapse(A_WHILE_SECONDS);
      assert.deepEqual(open(path, 16).local, old.local);
      noFaults(path);
    },
  },
  {
    name: 'a client’s connections use one local, as long as it has ports',
    check: (path) => {
      const locals = ['10.0.124.161', '10.0.124.162', '10.0.124.163'].map((address) => ({
        address,
        ports: [5000, 5099] as const,
      }));
      const pools = WEB_TABLES.pools.map((pool) => ({ ...pool, locals: { first: 0, count: 3 } }));
      path.reset({ ...WEB_TABLES, locals, pools });
      const used = [0, 2, 4, 6, 8].map((i) => open(path, i));
      assert.equal(new Set(used.map(({ client }) => client.split(':')[0])).size, 1);
      assert.equal(new Set(used.map(({ local }) => local.address)).size, 1, client(0));
    },
  },
];

/** The order of all ports from the lowest on, wherever it began. */
function orderOf(path: Balancer, secret: readonly [bigint, bigint]): number[] {
  path.reset({ ...portRange(ORDER_PORTS), secret, sessionCapacity: 2048, openingMax: 2048 });
  const order: number[] = Array.from({ length: ORDER_PORTS }, (_, i) => open(path, i).local.port);
  const start = order.indexOf(5000);
  return [...order.slice(start), ...order.slice(0, start)];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 5000 + i);
}
