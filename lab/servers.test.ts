import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nginxConfig } from './servers.ts';

test('a server that closes first has no keep-alive', () => {
  assert.match(nginxConfig('server1', '/x', { closeFirst: true }), /keepalive_timeout 0;/);
  assert.match(nginxConfig('server1', '/x', { closeFirst: false }), /keepalive_timeout 75;/);
});
