import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roleNamed } from './lab.ts';

test('a namespace is named by its role or in full', () => {
  assert.equal(roleNamed('lab', 'client'), 'client');
  assert.equal(roleNamed('lab', 'fn-host'), 'host');
  assert.equal(roleNamed('demo', 'demo-server1'), 'server1');
  assert.throws(() => roleNamed('demo', 'fn-host'), /no namespace 'fn-host' in lab 'demo'/);
});
