/** What is promised of local ports, for ranges of every size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipv4Address, port } from '../../packet/address.ts';
import type { Local } from '../binding/contract.ts';
import { SourcePorts } from './source-ports.ts';

const SECRET = [7n, 9n] as const;
const ADDRESS = ipv4Address('127.0.124.161');

const localOf = (low: number, count: number): Local => ({
  addr: ADDRESS,
  portLow: port(low),
  portHigh: port(low + count - 1),
});

test('every port of the range comes once before any comes again', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 1, max: 300 }),
      (low, count) => {
        const ports = new SourcePorts(SECRET);
        const local = localOf(low, count);
        const given = Array.from({ length: count }, () => {
          const taken = ports.take(local, 3, count);
          assert.ok(taken);
          ports.release(taken, 3);
          return taken.port;
        });
        assert.equal(new Set(given).size, count);
        assert.ok(given.every((one) => one >= local.portLow && one <= local.portHigh));
      },
    ),
  ));

test('no two connections to one backend have one; another backend has its own', () => {
  const ports = new SourcePorts(SECRET);
  const local = localOf(5_000, 20);
  const given = Array.from({ length: 20 }, () => ports.take(local, 1, 20)?.port);
  assert.equal(new Set(given).size, 20);
  assert.equal(ports.take(local, 1, 1_000), undefined);
  assert.equal(ports.inUse(ADDRESS, 1), 20);
  assert.ok(ports.take(local, 2, 1));
  ports.release({ address: ADDRESS, port: port(5_007) }, 1);
  assert.equal(ports.take(local, 1, 20)?.port, 5_007);
});

test('work is bounded: a nearly full range is not searched to its end', () => {
  const ports = new SourcePorts(SECRET);
  const local = localOf(1_024, 4_096);
  for (let i = 0; i < 4_095; i++) assert.ok(ports.take(local, 1, 4_096));
  const found = Array.from({ length: 8 }, () => ports.take(local, 1, 64));
  assert.ok(found.includes(undefined));
});

test('the order is not that of another secret', () => {
  const orderOf = (secret: readonly [bigint, bigint]) => {
    const ports = new SourcePorts(secret);
    return Array.from({ length: 50 }, () => ports.take(localOf(1_024, 1_000), 1, 1)?.port);
  };
  assert.notDeepEqual(orderOf([1n, 2n]), orderOf([3n, 4n]));
});
