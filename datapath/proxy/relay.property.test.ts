/** However bytes are cut and whoever ends first, both ends get what the other sent; thousands of connections leave nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { until, withTestbed } from './testbed.ts';

type Plan = {
  /** Lengths of what is written at a time. */
  readonly fromClient: readonly number[];
  readonly fromServer: readonly number[];
  readonly endsFirst: 'client' | 'server' | 'both';
};

const LIMIT = { timeout: 60_000 };
const RUNS = 40;
const CHURN = { connections: 10_000, atOnce: 100 };

const chunks = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200_000 })),
  {
    maxLength: 8,
  },
);
const plan: fc.Arbitrary<Plan> = fc.record({
  fromClient: chunks,
  fromServer: chunks,
  endsFirst: fc.constantFrom('client', 'server', 'both'),
});

test('bytes and ends arrive as they were sent', LIMIT, async () => {
  let serve: (socket: Socket) => void = () => {};
  await withTestbed({ serve: (socket) => serve(socket) }, async (bed) => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ fromClient, fromServer, endsFirst }) => {
        const atServer = new Promise<Buffer>((resolve) => {
          serve = (socket) =>
            resolve(exchange(socket, contentOf(fromServer, 1), endsFirst !== 'client'));
        });
        const client = bed.connect();
        await once(client, 'connect');
        const atClient = exchange(client, contentOf(fromClient, 7), endsFirst !== 'server');
        assert.deepEqual(await atServer, Buffer.concat(contentOf(fromClient, 7)));
        assert.deepEqual(await atClient, Buffer.concat(contentOf(fromServer, 1)));
        await until(() => bed.sessions.live === 0);
      }),
      { numRuns: RUNS },
    );
  });
});

test('ten thousand connections, ended in every way, leave nothing behind', LIMIT, async () => {
  let turn = 0;
  const endings: ((socket: Socket) => void)[] = [
    (socket) => socket.end('bye'),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.resume(),
  ];
  const serve = (socket: Socket) => {
    socket.once('end', () => socket.end());
    endings[turn++ % endings.length]?.(socket);
  };
  await withTestbed({ serve, capacity: 2 * CHURN.atOnce, backends: 3 }, async (bed) => {
    const visit = async (number: number) => {
      const socket = bed.connect();
      const closed = once(socket, 'close').catch(() => {});
      if (number % 5 === 0) socket.once('connect', () => socket.resetAndDestroy());
      else socket.once('end', () => socket.end()).once('connect', () => socket.write('hi'));
      if (number % 3 === 0) socket.once('connect', () => socket.end());
      socket.resume();
      socket.setTimeout(200, () => socket.resetAndDestroy());
      await closed;
      bed.forget(socket);
    };
    let next = 0;
    const visitor = async () => {
      while (next < CHURN.connections) await visit(next++);
    };
    await Promise.all(Array.from({ length: CHURN.atOnce }, visitor));
    await until(() => bed.sessions.live === 0);
    assert.ok(bed.sessions.highWater <= 2 * CHURN.atOnce);
    // Some were reset before they were accepted.
    assert.ok(bed.maps.listenerTraffic.sum(0).connections > CHURN.connections / 2);
  });
  await until(() => !process.getActiveResourcesInfo().some((name) => name.startsWith('TCP')));
});

/** Sends its content, and resolves to what it heard; who does not end first ends after the other. */
async function exchange(socket: Socket, content: readonly Buffer[], first: boolean) {
  const heard: Buffer[] = [];
  const ended = once(socket, 'end');
  socket.on('data', (chunk: Buffer) => heard.push(chunk));
  for (const chunk of content) if (!socket.write(chunk)) await once(socket, 'drain');
  if (first) socket.end();
  await ended;
  if (!first) socket.end();
  return Buffer.concat(heard);
}

/** Every byte tells its place, so that none can be missing or come twice. */
function contentOf(lengths: readonly number[], salt: number): Buffer[] {
  let at = 0;
  return lengths.map((length) =>
    Buffer.from(Uint8Array.from({ length }, () => (at++ * 31 + salt + (at >> 8)) & 0xff)),
  );
}
