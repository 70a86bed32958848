/** For tests: a proxy on addresses of 127.0.0.0/8 with the report's last octets, and what is at its ends. */
import assert from 'node:assert/strict';
import { connect, createServer, Socket, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endpoint, ipv4Address, port, type Endpoint, type Port } from '../../packet/address.ts';
import { listener, type Admission, type Event, type Pool } from '../binding/contract.ts';
import { dial, type Dial, type Dialled } from './dial.ts';
import { proxyMaps } from './maps.ts';
import { Proxy, type Orders } from './proxy.ts';
import { SessionTable } from './session-table.ts';
import { TCP } from './session.ts';

export const CLIENT = '127.0.88.100';
export const VIRTUAL = '127.0.23.111';
export const LOCAL = '127.0.124.161';
export const SERVER = '127.0.98.79';

const PATIENCE_MS = 10_000;
const CAPACITIES = { listeners: 16, pools: 16, backends: 16, locals: 16, schedule: 64 };

export type Setting = {
  readonly serve: (socket: Socket) => void;
  readonly backends?: number;
  readonly capacity?: number;
  readonly locals?: readonly string[];
  readonly localPorts?: { readonly low: number; readonly high: number };
  readonly sessionsMax?: number;
  readonly backendLimit?: number;
  readonly pool?: Partial<Pool>;
  readonly admission?: Partial<Admission>;
  readonly orders?: Partial<Orders>;
  readonly dial?: Dial;
};

export type Testbed = Awaited<ReturnType<typeof makeTestbed>>;

export async function makeTestbed(setting: Setting) {
  const { capacity = 64, backends = 1, locals = [LOCAL] } = setting;
  const sessions = new SessionTable(capacity);
  const maps = proxyMaps({ ...CAPACITIES, session_slots: capacity }, sessions);
  const events: Event[] = [];
  const faults: string[] = [];
  const time = { aheadTicks: 0, aheadNs: 0 };
  const proxy = new Proxy({
    ...{ maps, sessions, secret: [7n, 9n], onEvent: (event) => events.push(event) },
    onFault: (_, message) => faults.push(message),
    dial: setting.dial ?? dial,
    clock: { ticks: () => time.aheadTicks, nanoseconds: () => time.aheadNs },
  });
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)));
    setting.serve(socket);
  };
  const servers: Server[] = [];
  for (let i = 0; i < backends; i++) servers.push(await listening(SERVER, serve));
  const targets = servers.map((server) => endOf(server));
  const at = { address: ipv4Address(VIRTUAL), port: await freePort(VIRTUAL) };

  maps.settings.set(0, { ...maps.settings.get(0), secret: [7n, 9n] });
  targets.forEach((target, i) => {
    maps.backends.set(i, { addr: target.address, port: target.port, used: true, out: false });
    maps.backendLimits.set(i, setting.backendLimit ?? 0);
  });
  const { low, high } = setting.localPorts ?? { low: 20_000, high: 60_000 };
  locals.forEach((text, i) =>
    maps.locals.set(i, { addr: ipv4Address(text), portLow: port(low), portHigh: port(high) }),
  );
  maps.admissions.set(0, { ...maps.admissions.get(0), ...setting.admission });
  maps.listeners.set(
    { addr: at.address, port: at.port, protocol: TCP },
    {
      ...listener.decode(Buffer.alloc(listener.bytes)),
      sessionsMax: setting.sessionsMax ?? 0,
    },
  );
  const schedule = async (...indices: number[]) => {
    await maps.schedule.setMany(0, indices);
    const table = BigInt(indices.length);
    const localsCount = locals.length;
    maps.pools.set(0, {
      ...{ table, localsFirst: 0, localsCount, select: 'round-robin', seed: 5 },
      ...{ stickyBits: 0, stickySeconds: 0, ...setting.pool },
    });
  };
  await schedule(...targets.keys());
  await proxy.place({
    ...{ listeners: [at], openingMs: 5_000, establishedMs: 60_000, closingMs: 10_000 },
    ...{ openingMax: capacity, announcing: new Set<number>() },
    ...setting.orders,
  });
  return {
    ...{ at, maps, sessions, proxy, events, faults, targets, servers, schedule },
    /** Time passes, and the sweep is made that belongs to it. */
    passes: (seconds: number) => {
      time.aheadTicks += Math.ceil((seconds * 1e9) / 2 ** 20);
      time.aheadNs += seconds * 1e9;
      proxy.sweep();
    },
    connect: (options: { readonly localAddress?: string } = {}): Socket => {
      const socket = connect({
        ...{ host: VIRTUAL, port: at.port, localAddress: CLIENT, allowHalfOpen: true },
        ...options,
      });
      sockets.add(socket.on('error', () => {}));
      return socket;
    },
    /** A socket that has ended: tests of thousands do not keep them all. */
    forget: (socket: Socket) => void sockets.delete(socket),
    close: async (): Promise<void> => {
      await proxy.close();
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
      await until(() => sessions.live === 0);
    },
  };
}

/** Runs a test on a proxy of its own, and then finds that nothing of it is left. */
export async function withTestbed(
  setting: Setting,
  work: (bed: Testbed) => Promise<void>,
): Promise<void> {
  const bed = await makeTestbed(setting);
  try {
    await work(bed);
  } finally {
    await bed.close();
  }
  const { maps, sessions } = bed;
  assert.deepEqual([sessions.live, sessions.opening], [0, 0]);
  assert.equal(maps.listenerLive.get(0), 0);
  bed.targets.forEach((_, i) => assert.equal(maps.backendLive.get(i), 0));
  for await (const batch of maps.localPorts.entries())
    for (const [, { inUse }] of batch) assert.equal(inUse, 0);
}

export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(performance.now() < end, `not within ${PATIENCE_MS} ms: ${holds.toString()}`);
    await sleep(2);
  }
}

/** A backend that never answers. */
export const silence: Dial = () => {
  const socket = new Socket();
  const outcome = new Promise<Dialled>((resolve) =>
    socket.once('close', () => resolve({ kind: 'unreachable', code: 'ECANCELED' })),
  );
  return { socket, outcome };
};

/** How a connection ended: all bytes and a FIN, or the code of its error. */
export function endOfStream(socket: Socket): Promise<{ bytes: Buffer; code: string }> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    const done = (code: string) => resolve({ bytes: Buffer.concat(chunks), code });
    socket.once('end', () => done('FIN'));
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => done(code));
    socket.once('close', () => done('closed'));
  });
}

export async function freePort(host: string): Promise<Port> {
  const server = await listening(host, () => {});
  const { port: free } = endOf(server);
  await new Promise((resolve) => server.close(resolve));
  return free;
}

function listening(host: string, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, serve);
  return new Promise((resolve) => server.listen({ host, port: 0 }, () => resolve(server)));
}

function endOf(server: Server): Endpoint {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return endpoint(`${address.address}:${address.port}`);
}
