/** The connect check on real sockets of this machine. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { ipv4Address, port } from '../../packet/address.ts';
import { connectFrom, connectOnce, systemClock } from './connect.ts';

const address = ipv4Address('127.0.0.1');
const never = new AbortController().signal;

async function listening() {
  const server = createServer();
  server.on('connection', (socket) => socket.on('error', () => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: port((server.address() as AddressInfo).port) };
}

test('a listening port is well', async () => {
  const { server, port } = await listening();
  assert.deepEqual(await connectOnce({ address, port }, 1_000, never), { ok: true });
  server.close();
});

test('a connection from an address of its own, and from one that is not there', async () => {
  const { server, port } = await listening();
  const peer = once(server, 'connection').then(([socket]: Socket[]) => socket?.remoteAddress);
  const connect = connectFrom(ipv4Address('127.0.98.1'));
  assert.deepEqual(await connect({ address, port }, 5_000, never), { ok: true });
  assert.equal(await peer, '127.0.98.1');
  server.close();
  const result = await connectFrom(ipv4Address('192.0.2.1'))({ address, port }, 5_000, never);
  assert.deepEqual(result, {
    ok: false,
    reason: 'source address or port not available on this machine',
  });
});

test('a closed port is refused at once', async () => {
  const { server, port } = await listening();
  server.close();
  await once(server, 'close');
  const beganMs = performance.now();
  const result = await connectOnce({ address, port }, 5_000, never);
  assert.deepEqual(result, { ok: false, reason: 'connect refused' });
  assert.ok(performance.now() - beganMs < 1_000);
});

test('an address that this machine has no route to', async () => {
  const target = { address: ipv4Address('255.255.255.255'), port: port(9) };
  const result = await connectOnce(target, 1_000, never);
  assert.ok(!result.ok && result.reason !== 'timeout', JSON.stringify(result));
});

test('stopping ends a check that waits', async () => {
  const stop = new AbortController();
  /* TEST-NET-1: nobody answers, or there is no route */
  const result = connectOnce(
    { address: ipv4Address('192.0.2.1'), port: port(9) },
    60_000,
    stop.signal,
  );
  stop.abort();
  assert.equal((await result).ok, false);
});

test('the real clock wakes early when stopped', async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  await sleeping;
});
