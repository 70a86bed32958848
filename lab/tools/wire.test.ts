import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SocketReader, commandLine, parseCommand, sendRandom } from './wire.ts';

const commandRows = [
  { line: 'echo', expect: { kind: 'echo' } },
  { line: 'exchange 5 0', expect: { kind: 'exchange', upBytes: 5, downBytes: 0 } },
  { line: 'exchange 5', expect: undefined },
  { line: 'exchange -1 0', expect: undefined },
  { line: 'GET / HTTP/1.1', expect: undefined },
] as const;
for (const { line, expect } of commandRows) {
  test(`the exchange server reads '${line}' as ${JSON.stringify(expect)}`, () => {
    assert.deepEqual(parseCommand(line), expect);
    if (expect !== undefined) assert.equal(commandLine(expect), `${line}\n`);
  });
}

test('what is sent is what is summed, between lines, in pieces of any size', async () => {
  await joined(async (near, far) => {
    const reader = new SocketReader(far);
    near.write('first');
    near.write(' line\nsecond line\n');
    assert.equal(await reader.line(), 'first line');
    assert.equal(await reader.line(), 'second line');
    for (const bytes of [0, 1, 65_535, 65_536, 65_537, 5_000_000]) {
      const [sent, received] = await Promise.all([sendRandom(near, bytes), reader.sum(bytes)]);
      assert.equal(received, sent, `${bytes} bytes`);
      near.write('end\n');
      assert.equal(await reader.line(), 'end');
    }
  });
});

test('one changed byte changes the sum', async () => {
  await joined(async (near, far) => {
    far.on('data', (chunk: Buffer) => {
      chunk.writeUInt8(chunk.readUInt8(0) ^ 1, 0);
      far.write(chunk);
    });
    const [sent, returned] = await Promise.all([
      sendRandom(near, 1_000),
      new SocketReader(near).sum(1_000),
    ]);
    assert.notEqual(returned, sent);
  });
});

test('a connection that ends too soon is an error for both ends, not a wait', async () => {
  await joined(async (near, far) => {
    const reader = new SocketReader(far);
    near.end('half a line');
    await assert.rejects(reader.line(), /the connection ended before a line/);
  });
  await joined(async (near, far) => {
    const sending = sendRandom(near, 100_000_000); // more than any buffer takes
    far.destroy();
    await assert.rejects(sending);
  });
});

/** Two ends of a connection that no network sees. */
async function joined(use: (near: Socket, far: Socket) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-wire-'));
  const path = join(folder, 'socket');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const near = connect(path);
  const [far] = (await once(server, 'connection')) as [Socket];
  for (const socket of [near, far]) socket.on('error', () => {});
  try {
    await use(near, far);
  } finally {
    near.destroy();
    far.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  }
}
