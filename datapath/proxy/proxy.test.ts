/** What clients and backends see of the portable engine, over real sockets of this machine. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { ipv4Address } from '../../packet/address.ts';
import { stateOf } from '../binding/sessions.ts';
import { NOTE, VERDICT, type Verdict } from '../binding/verdicts.ts';
import {
  CLIENT,
  endOfStream,
  LOCAL,
  silence,
  until,
  withTestbed,
  type Testbed,
} from './testbed.ts';

const LIMIT = { timeout: 60_000 };
const RATE = { intervalNs: 1_000_000_000n, toleranceNs: 1_000_000_000n }; // one a second, two at once
const echo = (socket: Socket) => void socket.pipe(socket);
/** Says whom it sees, and lets go. */
const nameCaller = (socket: Socket) => void socket.end(socket.remoteAddress ?? '');
const keep = (socket: Socket) => void socket.resume();

const refusals = ({ maps }: Testbed, verdict: Verdict) => maps.verdicts.sum(VERDICT[verdict]);

/** What the client gets, when it says nothing and does not close first. */
async function answer(bed: Testbed, options = {}): Promise<string> {
  const socket = bed.connect(options);
  const { bytes, code } = await endOfStream(socket);
  socket.destroy();
  return code === 'FIN' ? bytes.toString() : code;
}

test('a connection goes from client to listener, and from a local to the backend', LIMIT, () =>
  withTestbed({ serve: echo }, async (bed) => {
    const socket = bed.connect();
    socket.write('hello');
    const [heard] = (await once(socket, 'data')) as [Buffer];
    assert.equal(heard.toString(), 'hello');
    const { front, back, word } = bed.maps.sessionSlots.get(0);
    const [target] = bed.targets;
    assert.deepEqual(
      [front.sourceAddr, front.sourcePort, front.destinationAddr, front.destinationPort],
      [ipv4Address(CLIENT), socket.localPort, bed.at.address, bed.at.port],
    );
    assert.deepEqual([back.sourceAddr, back.sourcePort], [target?.address, target?.port]);
    assert.equal(back.destinationAddr, ipv4Address(LOCAL));
    assert.equal(stateOf({ word }), 'established');
    assert.equal(bed.maps.sessions.get(front)?.bytes, 5);
    assert.equal(bed.maps.sessions.get(back)?.bytes, 5);
    socket.end();
    await until(() => bed.sessions.live === 0);
    const { connections, bytesIn, bytesOut } = bed.maps.listenerTraffic.sum(0);
    assert.deepEqual([connections, bytesIn, bytesOut], [1, 5, 5]);
    assert.deepEqual(bed.maps.backendTraffic.sum(0).bytesIn, 5);
  }),
);

test('each half closes by itself, whichever is first', LIMIT, async () => {
  /* the server answers only when the client has said all it has to say */
  const afterwards = (socket: Socket) => {
    socket.on('data', () => {});
    socket.once('end', () => socket.end('so much for that'));
  };
  await withTestbed({ serve: afterwards }, async (bed) => {
    const socket = bed.connect();
    socket.end('a question');
    assert.deepEqual((await endOfStream(socket)).bytes.toString(), 'so much for that');
  });
  const heard: Buffer[] = [];
  const first = (socket: Socket) => {
    socket.end('all I have');
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
  };
  await withTestbed({ serve: first }, async (bed) => {
    const socket = bed.connect();
    assert.equal((await endOfStream(socket)).bytes.toString(), 'all I have');
    await until(() => bed.sessions.at(0)?.state === 'closing');
    socket.end('a late word');
    await until(() => bed.sessions.live === 0);
    assert.equal(Buffer.concat(heard).toString(), 'a late word');
  });
});

test('a reset reaches the other end as a reset, from either side', LIMIT, async () => {
  const ends: Promise<{ code: string }>[] = [];
  const watch = (socket: Socket) => void ends.push(endOfStream(socket));
  await withTestbed({ serve: watch }, async (bed) => {
    const socket = bed.connect();
    await until(() => ends.length === 1);
    socket.resetAndDestroy();
    assert.equal((await ends[0])?.code, 'ECONNRESET');
  });
  await withTestbed({ serve: (socket) => void socket.resetAndDestroy() }, async (bed) => {
    assert.equal(await answer(bed), 'ECONNRESET');
  });
});

test('what a server sent before it went away still arrives', LIMIT, () => {
  const all = Buffer.alloc(200_000, 'x'); // fits the kernel's buffers
  let server: Socket | undefined;
  const leave = (socket: Socket) => {
    server = socket.resume();
    socket.end(all);
  };
  return withTestbed({ serve: leave }, async (bed) => {
    const socket = bed.connect();
    socket.pause();
    await until(() => bed.sessions.at(0)?.closedByServer === true);
    server?.resetAndDestroy();
    socket.write('noticed when the server is told something');
    await until(() => bed.sessions.live === 0);
    const end = endOfStream(socket);
    socket.resume();
    assert.equal((await end).bytes.length, all.length);
  });
});

test('a slow reader holds up the sender, and nothing grows between them', LIMIT, () => {
  let sender: Socket | undefined;
  const flood = (socket: Socket) => {
    sender = socket;
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      while (socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  };
  return withTestbed({ serve: flood }, async (bed) => {
    const socket = bed.connect();
    socket.pause();
    await until(() => bed.sessions.at(0)?.state === 'established');
    let before = -1;
    /* until the kernel's buffers are full and nothing moves any more */
    for (let still = 0; still < 20;) {
      const sent = sender?.bytesWritten ?? 0;
      still = sent === before ? still + 1 : 0;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 10));
      const held = bed.sessions.at(0)?.front.writableLength ?? 0;
      assert.ok(held <= 2 * 65_536, `${held} bytes are held`);
    }
    socket.resume();
    await until(() => (sender?.bytesWritten ?? 0) > before);
  });
});

test('silence ends a session after its time, with a reset to both', LIMIT, async () => {
  const ends: Promise<{ code: string }>[] = [];
  const watch = (socket: Socket) => void ends.push(endOfStream(socket));
  await withTestbed({ serve: watch }, async (bed) => {
    const socket = bed.connect();
    const end = endOfStream(socket);
    await until(() => ends.length === 1 && bed.sessions.at(0)?.state === 'established');
    bed.passes(59);
    socket.write('still here');
    await until(() => (bed.sessions.at(0)?.front.bytesRead ?? 0) > 0);
    bed.passes(59);
    assert.equal(bed.sessions.live, 1, 'it was used in between');
    bed.passes(60);
    assert.deepEqual([(await end).code, (await ends[0])?.code], ['ECONNRESET', 'ECONNRESET']);
  });
});

test('a half-closed session has a shorter time', LIMIT, () =>
  withTestbed({ serve: keep }, async (bed) => {
    const socket = bed.connect();
    socket.end('only this');
    const end = endOfStream(socket);
    await until(() => bed.sessions.at(0)?.state === 'closing');
    bed.passes(0);
    bed.passes(10);
    assert.equal((await end).code, 'ECONNRESET');
  }),
);

test(
  'a backend that refuses is passed over for another; when none accepts, the client is told',
  LIMIT,
  () =>
    withTestbed({ serve: nameCaller, backends: 2 }, async (bed) => {
      await new Promise((resolve) => bed.servers[0]?.close(resolve));
      for (let i = 0; i < 4; i++) assert.equal(await answer(bed), LOCAL);
      await until(() => bed.sessions.live === 0);
      assert.deepEqual(
        [0, 1].map((i) => bed.maps.backendTraffic.sum(i).connections),
        [0, 4],
      );
      await new Promise((resolve) => bed.servers[1]?.close(resolve));
      assert.equal(await answer(bed), 'ECONNRESET');
      assert.equal(refusals(bed, 'reset-backend-failed'), 1);
      assert.ok(bed.maps.backendTrouble.get(0).refused > 0);
    }),
);

test('the schedule is followed, and a table that is swapped counts at once', LIMIT, () =>
  withTestbed({ serve: nameCaller, backends: 2 }, async (bed) => {
    const shares = () => [0, 1].map((i) => bed.maps.backendTraffic.sum(i).connections);
    await bed.schedule(0, 0, 1);
    for (let i = 0; i < 6; i++) await answer(bed);
    assert.deepEqual(shares(), [4, 2]);
    await bed.schedule(1);
    for (let i = 0; i < 3; i++) await answer(bed);
    assert.deepEqual(shares(), [4, 5]);
    await bed.schedule();
    assert.equal(await answer(bed), 'ECONNRESET');
    assert.equal(refusals(bed, 'reset-no-backend'), 1);
    assert.equal(bed.events[0]?.type, 'no-backend');
  }),
);

test('a client comes back to its backend; another one has its own', LIMIT, () => {
  const pool = { stickyBits: 32, stickySeconds: 60 };
  return withTestbed({ serve: nameCaller, backends: 2, pool }, async (bed) => {
    const shares = () => [0, 1].map((i) => bed.maps.backendTraffic.sum(i).connections);
    for (let i = 0; i < 4; i++) await answer(bed);
    assert.deepEqual(shares(), [4, 0]);
    await answer(bed, { localAddress: '127.0.88.101' });
    assert.deepEqual(shares(), [4, 1]);
    bed.passes(60);
    await answer(bed);
    await answer(bed);
    assert.deepEqual(shares(), [6, 1]);
  });
});

test('the same client has the same place in a table that is asked by a hash', LIMIT, () =>
  withTestbed({ serve: nameCaller, backends: 2, pool: { select: 'source-hash' } }, async (bed) => {
    for (let i = 0; i < 4; i++) await answer(bed);
    const shares = [0, 1].map((i) => bed.maps.backendTraffic.sum(i).connections);
    assert.deepEqual(
      shares.toSorted((a, b) => a - b),
      [0, 4],
    );
  }),
);

test('the least busy for its weight is chosen', LIMIT, () =>
  withTestbed({ serve: keep, backends: 2, pool: { select: 'least-connections' } }, async (bed) => {
    await bed.schedule(0 | (2 << 16), 1 | (1 << 16));
    for (let i = 1; i <= 6; i++) {
      bed.connect();
      await until(() => bed.sessions.live === i && bed.sessions.opening === 0);
    }
    assert.deepEqual(
      [0, 1].map((i) => bed.maps.backendLive.get(i)),
      [4, 2],
    );
  }),
);

test('sessions of a backend whose time is over are reset at both ends', LIMIT, () => {
  const ends: Promise<{ code: string }>[] = [];
  const watch = (socket: Socket) => void ends.push(endOfStream(socket));
  return withTestbed({ serve: watch }, async (bed) => {
    const end = endOfStream(bed.connect());
    await until(() => ends.length === 1 && bed.sessions.at(0)?.state === 'established');
    bed.maps.backendEnds.set(0, 30_000_000_000n);
    bed.passes(29);
    assert.equal(bed.sessions.live, 1);
    bed.passes(1);
    assert.deepEqual([(await end).code, (await ends[0])?.code], ['ECONNRESET', 'ECONNRESET']);
    assert.equal(refusals(bed, 'reset-ended'), 1);
  });
});

test("limits: of the table, the listener, the backend, the client's sessions", LIMIT, async () => {
  const clientSessionsMax = 2;
  const rows: [Verdict, object][] = [
    ['reset-table-full', { capacity: 2 }],
    ['reset-listener-limit', { sessionsMax: 2 }],
    ['reset-backend-limit', { backendLimit: 2 }],
    ['reset-client-limit', { admission: { clientBits: 32, clientSessionsMax } }],
  ];
  for (const [verdict, limit] of rows)
    await withTestbed({ serve: keep, ...limit }, async (bed) => {
      const held = [bed.connect(), bed.connect()];
      await until(() => bed.sessions.live === 2 && bed.sessions.opening === 0);
      assert.equal(await answer(bed), 'ECONNRESET', verdict);
      assert.equal(refusals(bed, verdict), 1, verdict);
      assert.equal(bed.maps.listenerTraffic.sum(0).refused, 1);
      held[0]?.resetAndDestroy();
      await until(() => bed.sessions.live === 1);
      bed.connect();
      await until(() => bed.sessions.live === 2);
    });
});

test('rates: of the listener and of one client, told once a second', LIMIT, async () => {
  const rows: [Verdict, object][] = [
    ['reset-listener-rate', { rate: RATE }],
    ['reset-client-rate', { clientBits: 24, clientRate: RATE }],
  ];
  for (const [verdict, admission] of rows)
    await withTestbed({ serve: nameCaller, admission }, async (bed) => {
      const answers: string[] = [];
      for (let i = 0; i < 4; i++) answers.push(await answer(bed));
      assert.deepEqual(answers, [LOCAL, LOCAL, 'ECONNRESET', 'ECONNRESET'], verdict);
      assert.equal(refusals(bed, verdict), 2);
      assert.equal(bed.events.length, 1);
      bed.passes(1);
      assert.equal(await answer(bed), LOCAL);
    });
  await withTestbed(
    { serve: nameCaller, admission: { clientBits: 24, clientRate: RATE } },
    async (bed) => {
      for (let i = 0; i < 3; i++) await answer(bed);
      assert.equal(await answer(bed, { localAddress: '127.0.89.1' }), LOCAL, 'of another prefix');
    },
  );
});

test('every local port in use: the client is told, and the pool is named', LIMIT, () =>
  withTestbed({ serve: keep, localPorts: { low: 31_001, high: 31_002 } }, async (bed) => {
    bed.connect();
    bed.connect();
    await until(() => bed.sessions.live === 2 && bed.sessions.opening === 0);
    assert.equal(await answer(bed), 'ECONNRESET');
    assert.equal(refusals(bed, 'reset-no-local-port'), 1);
    assert.equal(bed.maps.localPorts.get({ local: 0, backend: 0 })?.failed, 1);
  }),
);

test('a local that is no address of this machine: another is taken, and it is said', LIMIT, () =>
  withTestbed({ serve: nameCaller, locals: ['192.0.2.1', LOCAL] }, async (bed) => {
    for (let i = 1; i <= 8; i++)
      assert.equal(await answer(bed, { localAddress: `127.0.88.${i}` }), LOCAL);
    assert.match(bed.faults[0] ?? '', /not an address of this machine/);
  }),
);

test('with too many half open, the oldest gives way', LIMIT, () =>
  withTestbed({ serve: keep, dial: silence, orders: { openingMax: 2 } }, async (bed) => {
    const ends: Promise<{ code: string }>[] = [];
    for (let count = 1; count <= 3; count++) {
      ends.push(endOfStream(bed.connect()));
      await until(() => bed.maps.listenerTraffic.sum(0).connections === count);
    }
    assert.equal((await ends[0])?.code, 'ECONNRESET');
    await until(() => bed.sessions.opening === 2);
    assert.equal(bed.maps.notes.sum(NOTE['opening-evicted']), 1);
    assert.equal(bed.events[0]?.type, 'opening-limit');
  }),
);

test('a client whose backend is silent is told after the time for opening', LIMIT, () =>
  withTestbed({ serve: keep, dial: silence }, async (bed) => {
    const end = endOfStream(bed.connect());
    await until(() => bed.sessions.opening === 1);
    bed.passes(4);
    assert.equal(bed.sessions.opening, 1);
    bed.passes(1);
    assert.equal((await end).code, 'ECONNRESET');
  }),
);

test('a backend is told the client by PROXY protocol, before the first byte', LIMIT, () => {
  const heard: Buffer[] = [];
  const hear = (socket: Socket) => void socket.on('data', (chunk: Buffer) => heard.push(chunk));
  return withTestbed({ serve: hear, orders: { announcing: new Set([0]) } }, async (bed) => {
    const socket = bed.connect();
    socket.write('GET');
    await until(() => Buffer.concat(heard).length === 28 + 3);
    const bytes = Buffer.concat(heard);
    assert.equal(bytes.subarray(16, 20).join('.'), CLIENT);
    assert.equal(bytes.readUInt16BE(24), socket.localPort);
    assert.equal(bytes.subarray(28).toString(), 'GET');
    assert.equal(bed.sessions.at(0)?.front.bytesRead, 3, 'what we say is not the client’s');
  });
});

test(
  'only what is named is listened on; connections survive the end of their listener',
  LIMIT,
  () =>
    withTestbed({ serve: echo }, async (bed) => {
      const socket = bed.connect();
      await until(() => bed.sessions.at(0)?.state === 'established');
      const limits = { openingMs: 5_000, establishedMs: 60_000, closingMs: 10_000 };
      await bed.proxy.place({ ...limits, openingMax: 9, announcing: new Set(), listeners: [] });
      assert.equal(await answer(bed), 'ECONNREFUSED');
      socket.write('still there');
      const [heard] = (await once(socket, 'data')) as [Buffer];
      assert.equal(heard.toString(), 'still there');
    }),
);
