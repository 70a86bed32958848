/** Who may answer on a daemon's socket. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createApp } from './app.ts';
import { bind, list } from './route.ts';
import { close, isAnswered, listen, socketPath } from './socket.ts';

const instance = `socktest-${process.pid}`;
const path = socketPath(instance, 'balancer');
const plain = list('plain', 'One row', z.object({}), {});
const bound = bind({ plain }, { plain: () => ({ rows: [{ a: 1 }] }) });
const app = Promise.resolve(createApp(bound, { onError: () => {} }));
const skip = process.getuid?.() === 0 ? false : 'needs root: sockets are in /run/fullnat';

test('nobody, then one, then nobody again', { skip }, async () => {
  assert.equal(await isAnswered(path), false);
  const server = await listen(app, instance, 'balancer');
  assert.equal(await isAnswered(path), true);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  await assert.rejects(listen(app, instance, 'balancer'), /is running already/);
  const agent = await listen(app, instance, 'agent');
  await close(agent, instance, 'agent');
  assert.equal(existsSync(path), true, 'the other role is none of its business');
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

test('questions wait until there is somebody to answer them', { skip }, async () => {
  let open: (value: Awaited<typeof app>) => void = () => {};
  const server = await listen(new Promise((resolve) => (open = resolve)), instance, 'balancer');
  assert.equal(await isAnswered(path), true, 'a second daemon is refused already');
  let answer: string | undefined;
  const asked = ask('/v1/plain').then((text) => (answer = text));
  await sleep(50);
  assert.equal(answer, undefined);
  open(await app);
  assert.equal(await asked, '[{"a":1}]');
  await close(server, instance, 'balancer');
});

function ask(what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: path, path: what }, (response) => {
      response.setEncoding('utf8').once('data', (text: string) => resolve(text));
    });
    call.on('error', reject);
    call.end();
  });
}
