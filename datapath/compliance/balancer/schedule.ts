/** The laws of scheduling: which backend a new connection goes to, and who comes back to it. */
import assert from 'node:assert/strict';
import type { BalancerTables, DataPath, PoolRow } from '../../model/index.ts';
import type { Law } from '../law.ts';
import { close, establish, noFaults, open, openFrom, portRange, tryOpen } from './clients.ts';

type Balancer = DataPath<BalancerTables>;

const PORTS = 512;
const ADDRESS = '10.0.98.79';
const MINUTE = { bits: 32, seconds: 60 };

export const scheduleLaws: readonly Law<BalancerTables>[] = [
  {
    name: 'least connections: by weight, those that are live',
    check: (path) => {
      path.reset(tablesOf(2, { select: 'least-connections', weights: [3, 1] }));
      const ways = count(40).map((index) => open(path, index));
      assert.deepEqual(
        shares(ways.map(({ backend }) => backend)),
        [30, 10],
        'three of four go where the weight is',
      );
      for (const way of ways) establish(path, way);
      for (const way of ways.filter(({ backend }) => backend === at(1))) close(path, way);
      const later = count(10).map((index) => open(path, 100 + index).backend);
      assert.deepEqual(shares(later), [0, 10], 'closed ones count no more');
      noFaults(path);
    },
  },
  {
    name: 'least connections: of equal ones each has its turn',
    check: (path) => {
      path.reset(tablesOf(3, { select: 'least-connections' }));
      const backends = count(9).map((index) => open(path, index).backend);
      assert.deepEqual(shares(backends), [3, 3, 3]);
    },
  },
  {
    name: 'least connections: who is full is passed over, also beyond the positions compared',
    check: (path) => {
      const schedule = [...count(80).map(() => 0), 1];
      const tables = tablesOf(2, { select: 'least-connections', schedule });
      path.reset({ ...tables, backendLimits: [1, 2] });
      const backends = count(3).map((index) => open(path, index).backend);
      assert.deepEqual(shares(backends), [1, 2]);
      assert.equal(tryOpen(path, 3), undefined);
    },
  },
  {
    name: 'least connections: of more than 64 positions those that come next are compared',
    check: (path) => {
      const schedule = count(200).map((position) => (position < 100 ? 0 : 1));
      path.reset(tablesOf(2, { select: 'least-connections', schedule }));
      const backends = count(100).map((index) => open(path, index).backend);
      assert.deepEqual(shares(backends.slice(0, 36)), [36], 'positions 1 to 99 are the first’s');
      assert.deepEqual(shares(backends).length, 2);
    },
  },
  {
    name: 'source hash: a client has one backend, whatever its port; another seed is another order',
    check: (path) => {
      const placesWith = (seed: number) => {
        path.reset(tablesOf(4, { select: 'source-hash', seed }));
        return count(32).map((host) => {
          const [first, second] = [5, 6].map((port) => openFrom(path, `10.0.88.${host}:${port}`));
          assert.equal(first?.backend, second?.backend);
          return first?.backend;
        });
      };
      const places = placesWith(1);
      assert.deepEqual(placesWith(1), places, 'the same seed is the same order');
      assert.notDeepEqual(placesWith(2), places);
      assert.ok(shares(places.map(String)).every((share) => share > 1));
    },
  },
  {
    name: 'connection hash: the connections of one client are spread, and each has its place',
    check: (path) => {
      const places = () => {
        path.reset(tablesOf(4, { select: 'connection-hash', seed: 7 }));
        return count(64).map((port) => openFrom(path, `10.0.88.100:${1024 + port}`).backend);
      };
      const first = places();
      assert.deepEqual(places(), first);
      assert.ok(shares(first).every((share) => share > 4));
    },
  },
  {
    name: 'persistence: a client comes back to its backend until it has stayed away too long',
    check: (path) => {
      path.reset(tablesOf(3, { sticky: MINUTE }));
      const first = backendOf(path, 1);
      for (const port of [2, 3]) {
        path.elapse(45); // its time begins anew with each connection
        assert.equal(backendOf(path, port), first);
      }
      path.elapse(61);
      assert.notEqual(backendOf(path, 4), first, 'the next one in turn');
    },
  },
  {
    name: 'persistence: clients with the prefix in common come back to the same backend',
    check: (path) => {
      path.reset(tablesOf(3, { sticky: { bits: 24, seconds: 60 } }));
      const first = openFrom(path, '10.0.88.1:1').backend;
      assert.equal(openFrom(path, '10.0.88.250:1').backend, first);
      assert.notEqual(openFrom(path, '10.0.87.1:1').backend, first);
    },
  },
  {
    name: 'persistence: not to a backend that is full, and then to its successor',
    check: (path) => {
      const tables = tablesOf(3, { sticky: MINUTE });
      path.reset({ ...tables, backendLimits: [1, 1, 9] });
      const first = backendOf(path, 1);
      const second = backendOf(path, 2);
      assert.notEqual(second, first);
      path.reconfigure(tables);
      assert.equal(backendOf(path, 3), second);
    },
  },
  {
    name: 'persistence: not to a backend that no table has, nor to another one at its index',
    check: (path) => {
      const tables = tablesOf(2, { sticky: MINUTE, schedule: [1] });
      path.reset(tables);
      assert.equal(backendOf(path, 1), at(1));
      path.reconfigure({ ...tables, backends: [at(0), at(9)], pools: poolsOf({ schedule: [0] }) });
      assert.equal(backendOf(path, 2), at(0), 'it is in no table');
      path.reset(tables);
      assert.equal(backendOf(path, 1), at(1));
      path.reconfigure({
        ...tables,
        backends: [at(0), at(9)],
        pools: poolsOf({ schedule: [1, 0, 0, 0], sticky: MINUTE }),
      });
      assert.equal(backendOf(path, 2), at(0), 'its index is another one’s');
    },
  },
];

function tablesOf(backends: number, pool: Partial<PoolRow>): BalancerTables {
  return {
    ...portRange(PORTS),
    backends: count(backends).map(at),
    pools: poolsOf({ schedule: count(backends), ...pool }),
  };
}

function poolsOf(pool: Partial<PoolRow>): PoolRow[] {
  return portRange(PORTS).pools.map((one) => ({ ...one, ...pool }));
}

function at(index: number): string {
  return `${ADDRESS}:${8_000 + index}`;
}

/** Of one client's connection from this port. */
function backendOf(path: Balancer, port: number): string {
  return openFrom(path, `10.0.88.100:${port}`).backend;
}

/** How many went to the first, the second ... of four backends at most. */
function shares(backends: readonly string[]): number[] {
  const highest = Math.max(...backends.map((backend) => Number(backend.split(':')[1]) - 8_000));
  return count(highest + 1).map(
    (index) => backends.filter((backend) => backend === at(index)).length,
  );
}

function count(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
