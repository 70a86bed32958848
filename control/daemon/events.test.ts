/** Times and tuples of events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipv4Address, port } from '../../packet/address.ts';
import { formatFlow, timestampOf } from './events.ts';

test("the kernel's time since boot as the wall's", () => {
  const nowMs = Date.UTC(2026, 10, 22, 10, 0, 0);
  assert.equal(
    timestampOf({ timeNs: 7_500_000_000n }, nowMs, 10_000_000_000n),
    '2026-11-22T09:59:57.500Z',
  );
});

test('a tuple', () => {
  const flow = {
    sourceAddr: ipv4Address('10.0.88.100'),
    sourcePort: port(46_690),
    destinationAddr: ipv4Address('10.0.98.79'),
    destinationPort: port(8_056),
    protocol: 6,
  };
  assert.equal(formatFlow(flow), '10.0.88.100:46690 -> 10.0.98.79:8056');
});
