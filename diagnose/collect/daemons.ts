/** What balancer and agent answer on their sockets, asked with curl on their own machine. */
import { z } from 'zod';
import { collected, missing, readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export interface DaemonSocket {
  readonly role: 'balancer' | 'agent';
  readonly path: string;
}

const BACKENDS = z.array(
  z.object({
    pool: z.string(),
    address: z.string(),
    weight: z.number(),
    state: z.string(),
    reason: z.string().nullable(),
    connections: z.number(),
  }),
);
const LISTENERS = z.array(
  z.object({ address: z.string(), pool: z.string(), refused: z.number(), toaInserted: z.number() }),
);
const LOCALS = z.array(
  z.object({
    address: z.string(),
    backend: z.string(),
    inUse: z.number(),
    resting: z.number(),
    capacity: z.number(),
    failed: z.number(),
  }),
);
const COUNTED = z.array(z.object({ name: z.string(), count: z.number() }));
const DROPS = z.array(z.object({ name: z.string(), packets: z.number(), meaning: z.string() }));
const COLLISIONS = z.array(
  z.object({
    time: z.string(),
    client: z.string(),
    server: z.string(),
    owner: z.string(),
    ownerState: z.string(),
    ownerAgeSeconds: z.number(),
    ownerKind: z.string(),
    action: z.string(),
  }),
);
const SERVERS = z.array(z.object({ address: z.string(), connections: z.number() }));
const PROGRAMS = z.array(z.object({ mode: z.string().optional() }));

export interface Daemon {
  readonly role: DaemonSocket['role'];
  readonly drops: z.infer<typeof DROPS>;
  readonly notes: z.infer<typeof COUNTED>;
  /** The balancer's. */
  readonly backends: z.infer<typeof BACKENDS>;
  readonly listeners: z.infer<typeof LISTENERS>;
  readonly locals: z.infer<typeof LOCALS>;
  /** The agent's, in packet mode. */
  readonly collisions: z.infer<typeof COLLISIONS>;
  readonly servers: z.infer<typeof SERVERS>;
  readonly mode: string | undefined;
}

export async function collectDaemon(
  runner: Runner,
  socket: DaemonSocket,
): Promise<Collected<Daemon>> {
  const ask = <T>(name: string, schema: z.ZodType<T>): Promise<Collected<T>> =>
    readFrom(
      runner,
      ['curl', '-sS', '-m', '5', '--unix-socket', socket.path, `http://fullnat/v1/${name}`],
      (text) => schema.parse(JSON.parse(text)),
    );
  const notes = await ask('notes', COUNTED);
  if (!notes.ok)
    return missing(`the ${socket.role} at ${socket.path} does not answer: ${notes.why}`);
  const [drops, backends, listeners, locals, collisions, servers, info] = await Promise.all([
    ask('drops', DROPS),
    ask('backends', BACKENDS),
    ask('listeners', LISTENERS),
    ask('locals', LOCALS),
    ask('collisions', COLLISIONS),
    ask('servers', SERVERS),
    ask('info', PROGRAMS),
  ]);
  // Each role has lists of its own, and an agent in socket mode has few.
  const or = <T>(answer: Collected<T[]>): T[] => (answer.ok ? answer.value : []);
  return collected({
    role: socket.role,
    notes: notes.value,
    drops: or(drops),
    backends: or(backends),
    listeners: or(listeners),
    locals: or(locals),
    collisions: or(collisions),
    servers: or(servers),
    mode: info.ok ? info.value[0]?.mode : undefined,
  });
}
