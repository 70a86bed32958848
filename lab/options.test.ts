import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, labOptions } from './options.ts';

test('lips and mtu outside their range are refused', () => {
  assert.throws(() => labOptions({ lips: 0 }), /lips must be an integer in 1..16, got 0/);
  assert.throws(() => labOptions({ lips: 17 }), RangeError);
  assert.throws(() => labOptions({ mtuBytes: 67 }), RangeError);
});

test('equal options make equal labs, and a difference is named', () => {
  assert.deepEqual(differences(labOptions(), labOptions({ weights: [1, 1] })), []);
  assert.deepEqual(differences(labOptions(), labOptions({ servers: 1, config: '/x.yaml' })), [
    'servers',
    'config',
  ]);
});
