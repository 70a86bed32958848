/** Who may answer on a daemon's socket. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { createApp, plainResource } from './app.ts';
import { close, isAnswered, listen, refuseSecondDaemon, socketPath } from './socket.ts';

const instance = `socktest-${process.pid}`;
const path = socketPath(instance, 'balancer');
const app = createApp({ plain: plainResource(() => []) }, () => {});
const skip = process.getuid?.() === 0 ? false : 'needs root: sockets are in /run/fullnat';

test('nobody, then one, then nobody again', { skip }, async () => {
  assert.equal(await isAnswered(path), false);
  const server = await listen(app, instance, 'balancer');
  assert.equal(await isAnswered(path), true);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  await assert.rejects(refuseSecondDaemon(instance, 'balancer'), /is running already/);
  await assert.rejects(listen(app, instance, 'balancer'), /is running already/);
  await refuseSecondDaemon(instance, 'agent');
  await close(server, instance, 'balancer');
  assert.equal(existsSync(dirname(path)), false);
});

test('the socket of a daemon that was killed is replaced', { skip }, async () => {
  mkdirSync(dirname(path), { recursive: true });
  const dying = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', dying]);
  assert.ok(existsSync(path), 'left behind');
  assert.equal(await isAnswered(path), false);
  const server = await listen(app, instance, 'balancer');
  assert.equal(await isAnswered(path), true);
  await close(server, instance, 'balancer');
});
