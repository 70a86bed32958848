/** What the daemons answer under /v1, row by row: schemas, and the types that server and clients share. */
import { z } from 'zod';
import {
  CLIENT_SOURCE,
  COLLISION_ACTION,
  COLLISION_POLICY,
  EVENT_TYPE,
  REFUSAL,
  SESSION_KIND,
  SESSION_STATE,
  SYN_PROTECTION,
  TOA_MODE,
} from '../../datapath/binding/contract.ts';
import { backendChangeSchema, drainSchema, weightSchema } from '../state/runtime.ts';

const count = () => z.int().min(0);
/** `a.b.c.d:port`. */
const endpoint = () => z.string().meta({ examples: ['10.0.98.79:8056'] });
/** ISO 8601, UTC. */
const timestamp = () => z.string().meta({ format: 'date-time' });

const traffic = {
  connections: count(),
  packetsIn: count(),
  bytesIn: count(),
  packetsOut: count(),
  bytesOut: count(),
};
const trafficRow = z.object(traffic);
export type TrafficRow = z.infer<typeof trafficRow>;

const handshakes = z.object({
  buckets: z
    .array(z.object({ upToSeconds: z.number().nullable(), count: count() }))
    .describe('how many took so long at most, and longer than the one before; null: longer still'),
  sumSeconds: z.number(),
});
export type Handshakes = z.infer<typeof handshakes>;

export const listenerRow = z.object({
  name: z.string(),
  address: endpoint(),
  pool: z.string(),
  toa: wordOf(TOA_MODE),
  onUnknown: wordOf(REFUSAL),
  onRefused: wordOf(REFUSAL),
  synProtection: wordOf(SYN_PROTECTION),
  synCookies: z.boolean().describe('SYNs are answered with cookies now'),
  opening: count().describe('half-open sessions'),
  backendsUp: count().describe('backends that get new connections now'),
  backendsTotal: count(),
  live: count(),
  refused: count(),
  resetsClient: count().describe('sessions that a RST of the client ended'),
  resetsServer: count(),
  handshakes: handshakes.describe("from the client's SYN to the backend's answer"),
  toaInserted: count(),
  toaNotInserted: count(),
  toaAnnounced: count(),
  toaNotDelivered: count(),
  ...traffic,
});
export type ListenerRow = z.infer<typeof listenerRow>;

export const explanation = z.object({
  client: endpoint(),
  listener: endpoint(),
  kind: z
    .enum(['live', 'hypothetical', 'refused', 'no-listener'])
    .describe('live: it has a session; hypothetical: what a SYN of it would get now'),
  verdict: z.string(),
  state: z.string().nullable(),
  local: endpoint().nullable(),
  backend: endpoint().nullable(),
  serverSees: endpoint().nullable().describe('the peer, where an agent restores clients'),
  why: z.array(z.string()),
});
export type Explanation = z.infer<typeof explanation>;

const backendState = z.enum([
  ...(['up', 'down', 'suspected', 'checking', 'unchecked'] as const),
  ...(['draining', 'disabled'] as const),
]);
export type BackendState = z.infer<typeof backendState>;

export const backendRow = z.object({
  pool: z.string(),
  name: z.string(),
  address: endpoint(),
  weight: count(),
  state: backendState,
  since: timestamp(),
  reason: z.string().nullable().describe('why it is down, or why its last check failed'),
  checkedAt: timestamp().nullable().describe('when its last check ended; null: there was none'),
  checkResult: z.string().nullable().describe('`ok`, or what was wrong'),
  checkSeconds: z.number().nullable().describe('how long it took'),
  live: count(),
  ...traffic,
});
export type BackendRow = z.infer<typeof backendRow>;

/** A change of a backend beside the file, and the one member that takes it back. */
const drainSeconds = z.number().min(0).max(1_814_400);
/** How to drain; what is left out is as the pool says. */
export const drainWish = z.strictObject({
  forSeconds: drainSeconds.optional().describe('sessions go on for so long'),
  afterwards: z.enum(['keep', 'reset']).optional().describe('what then becomes of them'),
});
export type DrainWish = z.infer<typeof drainWish>;
export const backendWish = z
  .strictObject({
    weight: weightSchema.nullable().describe("instead of the file's; null: as the file says"),
    drain: drainWish.nullable().describe('no new connections; null: takes them again'),
  })
  .partial()
  .refine((wish) => Object.keys(wish).length > 0, 'weight or drain is needed');
export const backendsChanged = z.object({
  changed: z.array(
    z.object({
      ...{ pool: z.string(), backend: endpoint(), weight: count() },
      drain: drainSchema.nullable(),
    }),
  ),
});
export const allDrained = z.object({ drain: drainSchema.nullable() });
export const runtimeRow = backendChangeSchema;

const sessionCounters = {
  packetsIn: count(),
  bytesIn: count(),
  packetsOut: count(),
  bytesOut: count(),
};
const sessionCountersRow = z.object(sessionCounters);
export type SessionCounters = z.infer<typeof sessionCountersRow>;

const sessionFlag = z.enum([
  ...(['client-closed', 'server-closed', 'remapped', 'adopted', 'shifted'] as const),
]);
export type SessionFlag = z.infer<typeof sessionFlag>;

const session = {
  state: wordOf(SESSION_STATE),
  kind: wordOf(SESSION_KIND),
  idleSeconds: z.number(),
  ageSeconds: z.number(),
  flags: z.array(sessionFlag),
  ...sessionCounters,
};

export const balancerSessionRow = z.object({
  ...session,
  client: endpoint(),
  listener: endpoint(),
  local: endpoint(),
  backend: endpoint(),
});
export type BalancerSessionRow = z.infer<typeof balancerSessionRow>;

export const agentSessionRow = z.object({
  ...session,
  peer: endpoint().describe(
    'who connects: the client; or the local, when nothing tells the client',
  ),
  local: endpoint().nullable().describe("the balancer's; null for a direct connection"),
  server: endpoint(),
  visible: endpoint().describe('the peer that the server sees'),
});
export type AgentSessionRow = z.infer<typeof agentSessionRow>;

export const localRow = z.object({
  address: z.string(),
  backend: endpoint(),
  inUse: count(),
  resting: count(),
  capacity: count(),
  secondsToExhaustion: z
    .number()
    .nullable()
    .describe('if use grows on as in the last two minutes; null when it does not'),
  allocated: count(),
  probes: count(),
  failed: count(),
  reused: count().describe('taken from a resting session, and made acceptable to the server'),
});
export type LocalRow = z.infer<typeof localRow>;

export const collisionRow = z.object({
  time: timestamp(),
  client: endpoint().describe('of the tuple that both wanted'),
  server: endpoint(),
  subject: z.string().describe('`source -> destination` of the new connection'),
  subjectKind: wordOf(SESSION_KIND),
  owner: z.string().describe('`source -> destination` of the one that owned the tuple'),
  ownerState: wordOf(SESSION_STATE),
  ownerAgeSeconds: z.number(),
  ownerKind: wordOf(SESSION_KIND),
  action: wordOf(COLLISION_ACTION),
  visiblePort: count().describe('the peer port that the server sees instead; 0 when none'),
});
export type CollisionRow = z.infer<typeof collisionRow>;

/** Counted in the kernel, so also while no daemon ran. */
export const collisionCounterRow = z.object({
  client: z.string(),
  server: endpoint(),
  remapped: count(),
  keptLocal: count(),
  dropped: count(),
});
export type CollisionCounterRow = z.infer<typeof collisionCounterRow>;

export const serverRow = z.object({
  address: endpoint(),
  onCollision: wordOf(COLLISION_POLICY),
  remapPorts: z.string(),
  remapInUse: count(),
  remapResting: count(),
  remapFailed: count(),
  ...traffic,
});
export type ServerRow = z.infer<typeof serverRow>;

export const dropRow = z.object({
  verdict: count().optional().describe('missing for what was lost without the end of a packet'),
  name: z.string(),
  packets: count(),
  meaning: z.string(),
});
export type DropRow = z.infer<typeof dropRow>;

export const noteRow = z.object({
  note: count(),
  name: z.string(),
  count: count(),
  meaning: z.string(),
});
export type NoteRow = z.infer<typeof noteRow>;

const eventType = z.enum([...keysOf(EVENT_TYPE), 'backend-state', 'config']);
export const eventRow = z
  .object({ time: timestamp(), type: eventType })
  .catchall(z.union([z.string(), z.number(), z.null()]));
export type EventRow = z.infer<typeof eventRow>;

const sweepRow = z.object({
  passes: count(),
  expired: z.record(z.string(), count()),
  evicted: count(),
  nanoseconds: count(),
  highWater: count(),
  opening: count(),
  live: count(),
  resting: count(),
});
export type SweepRow = z.infer<typeof sweepRow>;

const socketState = z.enum([
  ...(['unknown', 'established', 'syn-sent', 'syn-received', 'fin-wait-1'] as const),
  ...(['fin-wait-2', 'time-wait', 'closed', 'close-wait', 'last-ack'] as const),
  ...(['listen', 'closing'] as const),
]);
export type SocketState = z.infer<typeof socketState>;

/** A socket whose client is known: what `ss` shows of it, and who the client is. */
export const clientRow = z.object({
  client: z.string().describe('`a.b.c.d:port`, or `[v6]:port`'),
  local: endpoint().describe('what `ss` shows as peer'),
  server: endpoint().describe('what `ss` shows as local address'),
  state: socketState,
  ageSeconds: z.number(),
  source: wordOf(CLIENT_SOURCE).describe('which segment told it'),
  namespace: count().describe(
    'inode number of its network namespace, as `ls -L /proc/PID/ns/net -i` shows it',
  ),
});
export type ClientRow = z.infer<typeof clientRow>;

const baseInfo = {
  role: z.enum(['balancer', 'agent']),
  instance: z.string(),
  pid: count(),
  version: z.string(),
  since: timestamp(),
  configFile: z.string(),
  configRevision: count().describe('as `fullnat history` counts them; 0: none is kept'),
  configSince: timestamp().describe('when what is in force was taken up'),
  reloadError: z
    .string()
    .nullable()
    .describe('why the last reload took nothing up; null when it did, or when there was none'),
  contractVersion: count(),
  adoptedMaps: count(),
  programs: z
    .array(z.object({ name: z.string(), id: count(), runs: count(), nanoseconds: count() }))
    .describe('run counts are zero while kernel.bpf_stats_enabled is off'),
};
const baseInfoRow = z.object(baseInfo);
export type BaseInfoRow = z.infer<typeof baseInfoRow>;

export const infoRow = z.object({
  ...baseInfo,
  mode: z.literal('packet').optional().describe("the agent's"),
  engine: z
    .enum(['ebpf', 'proxy'])
    .optional()
    .describe("the balancer's: programs in the kernel, or its own process"),
  sessionCapacity: count(),
  sweep: sweepRow,
});
export type InfoRow = z.infer<typeof infoRow>;

/** Socket mode has no sessions. */
export const socketInfoRow = z.object({ ...baseInfo, mode: z.literal('socket') });
export type SocketInfoRow = z.infer<typeof socketInfoRow>;

function wordOf<const T extends object>(words: T) {
  return z.enum(keysOf(words));
}

function keysOf<const T extends object>(words: T) {
  return Object.keys(words) as [Extract<keyof T, string>];
}
