/** What the daemons answer under /v1, row by row: the types that server and clients share. */
import type {
  ClientSource,
  CollisionAction,
  CollisionPolicy,
  EventType,
  Refusal,
  SessionKind,
  SessionState,
  ToaMode,
} from '../../datapath/binding/contract.ts';

/** `a.b.c.d:port`. */
export type EndpointText = string;
/** ISO 8601, UTC. */
export type Timestamp = string;

export type TrafficRow = {
  connections: number;
  packetsIn: number;
  bytesIn: number;
  packetsOut: number;
  bytesOut: number;
};

export type ListenerRow = TrafficRow & {
  name: string;
  address: EndpointText;
  pool: string;
  toa: ToaMode;
  onUnknown: Refusal;
  onRefused: Refusal;
  /** Backends that get new connections now. */
  backendsUp: number;
  backendsTotal: number;
  live: number;
  refused: number;
  toaInserted: number;
  toaNotInserted: number;
  toaAnnounced: number;
  toaNotDelivered: number;
};

export type BackendState = 'up' | 'down' | 'checking' | 'unchecked';

export type BackendRow = TrafficRow & {
  pool: string;
  name: string;
  address: EndpointText;
  weight: number;
  state: BackendState;
  since: Timestamp;
  /** Why it is down, or why its last check failed. */
  reason: string | null;
  live: number;
};

export type SessionCounters = {
  packetsIn: number;
  bytesIn: number;
  packetsOut: number;
  bytesOut: number;
};

type SessionCommon = SessionCounters & {
  state: SessionState;
  kind: SessionKind;
  idleSeconds: number;
  ageSeconds: number;
  flags: SessionFlag[];
};

export type SessionFlag = 'client-closed' | 'server-closed' | 'remapped' | 'adopted' | 'shifted';

export type BalancerSessionRow = SessionCommon & {
  client: EndpointText;
  listener: EndpointText;
  local: EndpointText;
  backend: EndpointText;
};

export type AgentSessionRow = SessionCommon & {
  /** Who connects: the client; or the local, when nothing tells the client. */
  peer: EndpointText;
  /** The balancer's local address; null for a direct connection. */
  local: EndpointText | null;
  server: EndpointText;
  /** The peer that the server sees. */
  visible: EndpointText;
};

export type LocalRow = {
  address: string;
  backend: EndpointText;
  inUse: number;
  resting: number;
  capacity: number;
  /** If use grows on as in the last two minutes; null when it does not. */
  secondsToExhaustion: number | null;
  allocated: number;
  probes: number;
  failed: number;
  /** Of those allocated: taken from a resting session, and made acceptable to the server. */
  reused: number;
};

export type CollisionRow = {
  time: Timestamp;
  /** The tuple that both wanted: `client` towards `server`. */
  client: EndpointText;
  server: EndpointText;
  /** `source -> destination` of the new connection, and of the one that owned the tuple. */
  subject: string;
  subjectKind: SessionKind;
  owner: string;
  ownerState: SessionState;
  ownerAgeSeconds: number;
  ownerKind: SessionKind;
  action: CollisionAction;
  /** The peer port that the server sees instead; 0 when it sees none. */
  visiblePort: number;
};

/** Counted in the kernel, so also while no daemon ran. */
export type CollisionCounterRow = {
  client: string;
  server: EndpointText;
  remapped: number;
  keptLocal: number;
  dropped: number;
};

export type ServerRow = TrafficRow & {
  address: EndpointText;
  onCollision: CollisionPolicy;
  remapPorts: string;
  remapInUse: number;
  remapResting: number;
  remapFailed: number;
};

/** `verdict` is missing for what was lost without the end of a packet: TOA that was not delivered. */
export type DropRow = { verdict?: number; name: string; packets: number; meaning: string };
export type NoteRow = { note: number; name: string; count: number; meaning: string };

export type EventRow = { time: Timestamp; type: EventType | 'backend-state' } & Readonly<
  Record<string, string | number | null>
>;

export type SweepRow = {
  passes: number;
  expired: Record<string, number>;
  evicted: number;
  nanoseconds: number;
  highWater: number;
  opening: number;
  live: number;
  resting: number;
};

/** A socket whose client is known: what `ss` shows of it, and who the client is. */
export type ClientRow = {
  /** `a.b.c.d:port`, or `[v6]:port`. */
  client: string;
  /** What `ss` shows as peer. */
  local: EndpointText;
  /** What `ss` shows as local address. */
  server: EndpointText;
  state: SocketState;
  ageSeconds: number;
  /** Which segment told it. */
  source: ClientSource;
  /** Inode number of its network namespace, as `ls -L /proc/PID/ns/net -i` shows it. */
  namespace: number;
};

export type SocketState =
  | 'unknown'
  | 'established'
  | 'syn-sent'
  | 'syn-received'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'time-wait'
  | 'closed'
  | 'close-wait'
  | 'last-ack'
  | 'listen'
  | 'closing';

export type BaseInfoRow = {
  role: 'balancer' | 'agent';
  instance: string;
  pid: number;
  version: string;
  since: Timestamp;
  configFile: string;
  /** When what is in force was taken up. */
  configSince: Timestamp;
  /** Why the last reload took nothing up; null when it did, or when there was none. */
  reloadError: string | null;
  contractVersion: number;
  adoptedMaps: number;
  /** Run counts are zero while kernel.bpf_stats_enabled is off. */
  programs: { name: string; id: number; runs: number; nanoseconds: number }[];
};

export type InfoRow = BaseInfoRow & {
  /** The agent's. */
  mode?: 'packet';
  sessionCapacity: number;
  sweep: SweepRow;
};

/** Socket mode has no sessions. */
export type SocketInfoRow = BaseInfoRow & { mode: 'socket' };
