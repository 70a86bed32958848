import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portRange } from './tools/arguments.ts';
import { portInTurn } from './tools/open.ts';
import { clientArgv } from './traffic.ts';

test('source ports are used in turn', () => {
  const ports = portRange('ports', '5000-5002');
  assert.deepEqual(
    [0, 1, 2, 3].map((turn) => portInTurn(ports, turn)),
    [5000, 5001, 5002, 5000],
  );
  assert.equal(portInTurn(undefined, 7), undefined);
  assert.throws(() => portRange('ports', '5002-5000'), /--ports must be PORT or LOW-HIGH/);
});

test('options become flags', () => {
  assert.deepEqual(clientArgv('open', { perSecond: 5 }).slice(-3), ['open', '--per-second', '5']);
});
