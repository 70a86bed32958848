import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { endpoint, ipv4Address, port } from '../../packet/address.ts';
import { connectByNode } from './node-connector.ts';
import type { ConnectRequest } from './probe.ts';

const never = new AbortController().signal;
let server: Server;
let request: ConnectRequest;

before(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    // Unread by a careless client, this would turn its FIN into a RST.
    socket.write('220 welcome\r\n');
    socket.on('end', () => socket.end()).resume();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  request = {
    target: endpoint(`127.0.0.1:${portOf(server)}`),
    timeoutMs: 2_000,
    close: 'fin',
  };
});
after(() => server.close());

test('connects, names its source, and closes with FIN although the server had spoken', async () => {
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const { ending, source, closed } = await connectByNode(request, never);
  assert.deepEqual(ending, { kind: 'connected' });
  assert.equal(source?.address, '127.0.0.1');
  const sawReset = accepted.then(
    (socket) => new Promise<boolean>((resolve) => socket.once('close', resolve)),
  );
  await closed;
  assert.equal(await sawReset, false);
});

test('one source port serves again at once after a reset', async () => {
  const first = await connectByNode({ ...request, close: 'reset' }, never);
  assert.ok(first.source);
  await first.closed;
  const again = { ...request, sourcePort: port(first.source.port), close: 'reset' as const };
  for (let i = 0; i < 5; i++) {
    const { ending, source, closed } = await connectByNode(again, never);
    assert.deepEqual(ending, { kind: 'connected' });
    assert.equal(source?.port, first.source.port);
    await closed;
  }
});

test('a port that nobody listens on refuses, and the source port is known all the same', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const target = endpoint(`127.0.0.1:${portOf(other)}`);
  await new Promise((resolve) => other.close(resolve));
  const { ending, source } = await connectByNode({ ...request, target }, never);
  assert.deepEqual(ending, { kind: 'refused-by-kernel', code: 'ECONNREFUSED', at: 'connect' });
  assert.ok(source !== undefined && source.port > 0);
});

test('a source port that another socket listens on is busy', async () => {
  const sourcePort = port(portOf(server));
  const { ending } = await connectByNode(
    { ...request, sourceAddress: ipv4Address('127.0.0.1'), sourcePort },
    never,
  );
  assert.equal(ending.kind === 'refused-by-kernel' ? ending.code : '', 'EADDRINUSE');
});

test('an address of another machine cannot be a source', async () => {
  const { ending } = await connectByNode(
    { ...request, sourceAddress: ipv4Address('203.0.113.1') },
    never,
  );
  assert.deepEqual(ending, { kind: 'refused-by-kernel', code: 'EADDRNOTAVAIL', at: 'bind' });
});

test('an abort rejects', async () => {
  const stop = new AbortController();
  stop.abort(new Error('stopped'));
  await assert.rejects(connectByNode(request, stop.signal), /stopped/);
});

function portOf(listening: Server): number {
  const bound = listening.address();
  assert.ok(bound !== null && typeof bound === 'object');
  return bound.port;
}
