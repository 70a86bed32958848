/** datapath/contract.h in TypeScript: every struct, number and word that kernel and user space share. */
import {
  address4,
  address6,
  array,
  bePort,
  counter,
  flag,
  named,
  over,
  padding,
  port,
  rawBytes,
  struct,
  u16,
  u32,
  u64,
  u8,
  type ValueOf,
} from './codec.ts';

/** Part of every pin's name, so that an old map is never read as a new one. */
export const CONTRACT_VERSION = 1;
export const NO_SLOT = 0xffff_ffff;
/** SessionSlot.local of an agent's session that holds no port of the remap range. */
export const NO_LOCAL = 0xffff;

/** Time in the session tables: 2^20 ns of CLOCK_MONOTONIC, modulo 2^32. */
export const TICK_SHIFT = 20;
/** Of an entry of `schedule`: the weight's place, above the backend's index. */
export const SCHEDULE_WEIGHT_SHIFT = 16;
/** How often a busy session's slot is written: 1 s. */
export const TOUCH_TICKS = 954;
export const TICKS_MODULO = 2 ** 32;

// ---- Words for numbers -------------------------------------------------------

export type SessionState = keyof typeof SESSION_STATE;
export const SESSION_STATE = {
  free: 0,
  opening: 1,
  established: 2,
  closing: 3,
  'time-wait': 4,
  reset: 5,
  dead: 6,
} as const;

export type SessionKind = keyof typeof SESSION_KIND;
export const SESSION_KIND = { balanced: 0, restored: 1, kept: 2, direct: 3 } as const;

export type ToaMode = keyof typeof TOA_MODE;
export const TOA_MODE = { off: 0, syn: 1, handshake: 2 } as const;

export type Refusal = keyof typeof REFUSAL;
export const REFUSAL = { reset: 0, drop: 1, icmp: 2 } as const;

export type SynProtection = keyof typeof SYN_PROTECTION;
export const SYN_PROTECTION = { off: 0, auto: 1, always: 2 } as const;

export type ScheduleSelect = keyof typeof SCHEDULE_SELECT;
export const SCHEDULE_SELECT = {
  'round-robin': 0,
  'source-hash': 1,
  'connection-hash': 2,
  'least-connections': 3,
} as const;

export type CollisionPolicy = keyof typeof COLLISION_POLICY;
export const COLLISION_POLICY = { remap: 0, local: 1, drop: 2 } as const;

export type Access = keyof typeof ACCESS;
export const ACCESS = { allow: 1, deny: 2 } as const;

export type EventType = keyof typeof EVENT_TYPE;
export const EVENT_TYPE = {
  collision: 1,
  'no-local-port': 2,
  'no-backend': 3,
  'table-full': 4,
  'opening-limit': 5,
  'listener-limit': 6,
  'listener-rate': 7,
  'client-limit': 8,
  'backend-limit': 9,
  'syn-protection-on': 10,
  'syn-protection-off': 11,
} as const;

export type CollisionAction = keyof typeof COLLISION_ACTION;
export const COLLISION_ACTION = { none: 0, remapped: 1, 'kept-local': 2, dropped: 3 } as const;

export type ClientSource = keyof typeof CLIENT_SOURCE;
export const CLIENT_SOURCE = { syn: 0, handshake: 1, later: 2 } as const;

// ---- Bits -------------------------------------------------------------------

/** Of SessionSlot.word. */
export const CLOSED_BY_FRONT = 0x100;
export const CLOSED_BY_BACK = 0x200;
export const RESET_BY_FRONT = 0x400;
export const RESET_BY_BACK = 0x800;

/** Of SessionSlot.flags. */
export const SLOT_REMAPPED = 0x1;
export const SLOT_ADOPTED = 0x2;
export const SLOT_REOPENED = 0x4;
export const SLOT_SHIFTED = 0x8;
export const SLOT_ENDED = 0x10;
export const SLOT_ENDED_TIMED = 0x20;
export const SLOT_BEFORE = 0x40;
export const SLOT_BEFORE_TIMED = 0x80;
export const SLOT_NUMBERS = SLOT_ENDED | SLOT_ENDED_TIMED | SLOT_BEFORE | SLOT_BEFORE_TIMED;

/** Of SessionEntry.flags. */
export const ENTRY_BACK = 0x1;
export const ENTRY_ESTABLISHED = 0x2;
export const ENTRY_TOA_HANDSHAKE = 0x4;
export const ENTRY_IDENTITY = 0x8;
export const ENTRY_LINK = 0x10;
export const ENTRY_TOA_OFF = 0x20;
export const ENTRY_FROM_LOCAL = 0x40;
export const ENTRY_AWAITED = 0x800;
export const ENTRY_TOA_DUE = 0x100;
export const ENTRY_TOA_SENT = 0x200;
export const ENTRY_RELEASED = 0x80;
export const ENTRY_SHIFTED = 0x400;
export const ENTRY_COOKIE = 0x1000;
export const ENTRY_SPLICED = 0x2000;

// ---- Structs ------------------------------------------------------------------

/** A TCP flow as one side puts it on the wire: key of `sessions`. */
export type Flow4 = ValueOf<typeof flow4>;
export const flow4 = struct('flow4', {
  sourceAddr: address4,
  destinationAddr: address4,
  sourcePort: bePort,
  destinationPort: bePort,
  protocol: u8,
  pad: padding(3),
});

/** An address and a port that packets are sent to. */
export type Endpoint4 = ValueOf<typeof endpoint4>;
export const endpoint4 = struct('endpoint4', {
  addr: address4,
  port: bePort,
  protocol: u8,
  pad: padding(1),
});

/** A session's life, and what names its two map entries; value of `session_slots`. */
export type SessionSlot = ValueOf<typeof sessionSlot>;
export const sessionSlot = struct('session_slot', {
  front: flow4,
  back: flow4,
  word: u32,
  seen: u32,
  created: u32,
  frontIsn: u32,
  backIsn: u32,
  listener: u16,
  backend: u16,
  local: u16,
  kind: named(u8, SESSION_KIND),
  flags: u8,
  seat: u32,
  wantedPort: over(bePort),
});

/** Where the packets of one direction go, as the kernel said last. */
export type HopUse = ValueOf<typeof hopUse>;
export const hopUse = struct('hop_use', {
  index: u16,
  generation: u16,
  period: u8,
  tos: u8,
});

/** How a packet of one direction leaves; value of `sessions`. */
export type SessionEntry = ValueOf<typeof sessionEntry>;
export const sessionEntry = struct('session_entry', {
  bytes: counter,
  packets: u32,
  sourceAddr: address4,
  destinationAddr: address4,
  sourcePort: bePort,
  destinationPort: bePort,
  slot: u32,
  seen: u32,
  handshakeAck: u32,
  awaitedSince: over(u32),
  listener: u16,
  backend: u16,
  link: rawBytes(6),
  hop: over(hopUse),
  flags: u16,
});

/** What is added to the client's numbers for the server. */
export type Shift = ValueOf<typeof shift>;
export const shift = struct('shift', { sequence: u32, time: u32 });

/** A session's shift, and how far its client had come when it closed; value of `numbers`. */
export type Numbers = ValueOf<typeof numbers>;
export const numbers = struct('numbers', { shift, last: shift });

/** What is added to the server's numbers of a session that a SYN cookie opened; value of `splices`. */
export type Splice = ValueOf<typeof splice>;
export const splice = struct('splice', {
  sequence: u32,
  time: u32,
  clientTime: u32,
  window: bePort,
  backScale: u8,
  frontScale: u8,
});

/** The one value of `settings`; `timeout` is in ticks, by number of SESSION_STATE. */
export type Settings = ValueOf<typeof settings>;
export const settings = struct('settings', {
  secret: array(u64, 2),
  timeout: array(u32, 8),
  sessionCapacity: u32,
  openingMax: u32,
  localCount: u32,
  clientSets: u32,
});

/** What the sweeper did and what is there now. */
export type SweepStats = ValueOf<typeof sweepStats>;
export const sweepStats = struct('sweep_stats', {
  passes: counter,
  expired: array(counter, 8),
  evicted: counter,
  nanoseconds: counter,
  cursor: u32,
  highWater: u32,
  opening: u32,
  live: u32,
  resting: u32,
  pad: padding(4),
});

/** Value of `listeners`, keyed by Endpoint4. */
export type Listener = ValueOf<typeof listener>;
export const listener = struct('listener', {
  pool: u32,
  sessionsMax: u32,
  index: u16,
  toa: named(u8, TOA_MODE),
  onUnknown: named(u8, REFUSAL),
  onRefused: named(u8, REFUSAL),
  synProtection: named(u8, SYN_PROTECTION),
  pad: padding(2),
});

/** Value of `pools`; `table` is offset << 32 | length of its run of `schedule`. */
export type Pool = ValueOf<typeof pool>;
export const pool = struct('pool', {
  table: u64,
  select: named(u8, SCHEDULE_SELECT),
  stickyBits: u8,
  stickySeconds: u16,
  localsFirst: u32,
  localsCount: u32,
  seed: u32,
});

/** Key of `sticky_clients`. */
export type StickyKey = ValueOf<typeof stickyKey>;
export const stickyKey = struct('sticky_key', { pool: u32, network: u32 });

/** Value of `sticky_clients`: the backend that clients come back to. */
export type Sticky = ValueOf<typeof sticky>;
export const sticky = struct('sticky', {
  untilNs: u64,
  addr: address4,
  port: bePort,
  backend: u16,
});

/** Value of `backends`; the index is stable while sessions refer to it. */
export type Backend = ValueOf<typeof backend>;
export const backend = struct('backend', {
  addr: address4,
  port: bePort,
  used: flag,
  out: flag,
});

/** Value of `backend_trouble`: connections that a backend did not accept. */
export type Trouble = ValueOf<typeof trouble>;
export const trouble = struct('trouble', { refused: u32, unanswered: u32 });

/** On average so many nanoseconds from one to the next; an interval of 0: no limit. */
export type Rate = ValueOf<typeof rate>;
export const rate = struct('rate', { intervalNs: u64, toleranceNs: u64 });

/** Value of `admissions`, by listener index: whose SYN may open a session there; 0: no limit. */
export type Admission = ValueOf<typeof admission>;
export const admission = struct('admission', {
  access: u64,
  rate,
  clientRate: rate,
  clientSessionsMax: u32,
  clientOpeningMax: u32,
  clientBits: u32,
  synThreshold: u32,
});

/** A listener's half-open sessions, and whether SYNs get cookies; value of `protections`. */
export type Protection = ValueOf<typeof protection>;
export const protection = struct('protection', {
  opening: u32,
  active: u32,
  lastCookie: u32,
  periodStart: u32,
  sent: u32,
  accepted: u32,
});

/** Key of `access_prefixes`; `bits` counts those of the list too. */
export type AccessPrefix4 = ValueOf<typeof accessPrefix4>;
export const accessPrefix4 = struct('access_prefix4', {
  bits: u32,
  list: array(u32, 2),
  addr: address4,
});

/** What is known of one client of one listener. */
export type ClientSeat = ValueOf<typeof clientSeat>;
export const clientSeat = struct('client_seat', { word: u64, nextNs: u64 });

/** Of SessionSlot.seat: 1 + the number of the client's seat, and whether it counts there as half open. */
export const SEAT_NUMBER = 0x7fff_ffff;
export const SEAT_HALF_OPEN = 0x8000_0000;
/** A client can have one of so many seats. */
export const CLIENT_WAYS = 8;
export const clientSet = struct('client_set', { seats: array(clientSeat, CLIENT_WAYS) });

/** Value of `locals`; both ports are inclusive. */
export type Local = ValueOf<typeof local>;
export const local = struct('local', { addr: address4, portLow: port, portHigh: port });

/** Key of `local_ports`. */
export type LocalPair = ValueOf<typeof localPair>;
export const localPair = struct('local_pair', { local: u32, backend: u32 });

/** The ports of one local towards one backend. */
export type LocalPorts = ValueOf<typeof localPorts>;
export const localPorts = struct('local_ports', {
  allocated: counter,
  probes: counter,
  failed: counter,
  reused: counter,
  cursor: u32,
  inUse: u32,
  resting: u32,
  pad: padding(4),
});

/** Per CPU, by listener index and by backend index; `in` is from the client. */
export type Traffic = ValueOf<typeof traffic>;
export const traffic = struct('traffic', {
  connections: counter,
  packetsIn: counter,
  bytesIn: counter,
  packetsOut: counter,
  bytesOut: counter,
  refused: counter,
  toaInserted: counter,
  toaNotInserted: counter,
  toaAnnounced: counter,
  toaNotDelivered: counter,
});

/** From a SYN to its answer, in units of 2^10 ns. */
export const ANSWER_SHIFT = 10;
export const ANSWER_BUCKETS = 24;

/** Per CPU, by listener index: times from SYN to SYN+ACK by their bit length, and who reset sessions. */
export type Outcomes = ValueOf<typeof outcomes>;
export const outcomes = struct('outcomes', {
  answers: array(counter, ANSWER_BUCKETS),
  answerUnits: counter,
  resetsClient: counter,
  resetsServer: counter,
});

/** Searches for a port, by the bit length of how many candidates were looked at, less one. */
export const PROBE_BUCKETS = 8;

/** Value of `servers`, keyed by Endpoint4; both ports are inclusive. */
export type Server = ValueOf<typeof server>;
export const server = struct('server', {
  backend: u16,
  remapLow: port,
  remapHigh: port,
  onCollision: named(u8, COLLISION_POLICY),
  pad: padding(1),
});

/** Key of `trusted_locals`, a longest-prefix trie. */
export type Prefix4 = ValueOf<typeof prefix4>;
export const prefix4 = struct('prefix4', { bits: u32, addr: address4 });

/** Key of `collisions`. */
export type CollisionKey = ValueOf<typeof collisionKey>;
export const collisionKey = struct('collision_key', { clientAddr: address4, backend: u32 });

/** Value of `collisions`. */
export type CollisionCount = ValueOf<typeof collisionCount>;
export const collisionCount = struct('collision_count', {
  remapped: counter,
  keptLocal: counter,
  dropped: counter,
});

/** Key of `socket_trusted`. */
export type Prefix6 = ValueOf<typeof prefix6>;
export const prefix6 = struct('prefix6', { bits: u32, addr: address6 });

/** Key of `socket_servers`. */
export type Endpoint6 = ValueOf<typeof endpoint6>;
export const endpoint6 = struct('endpoint6', {
  addr: address6,
  port: bePort,
  protocol: u8,
  pad: padding(1),
});

/** Value of `clients`: who is behind a socket. */
export type Client = ValueOf<typeof client>;
export const client = struct('client', {
  addr: address6,
  port: bePort,
  source: named(u8, CLIENT_SOURCE),
  pad: padding(1),
  since: u32,
});

/** What the iterator `list_clients` writes for each socket; `state` in the kernel's own numbers. */
export type ClientRecord = ValueOf<typeof clientRecord>;
export const clientRecord = struct('client_record', {
  client,
  localAddr: address6,
  serverAddr: address6,
  localPort: bePort,
  serverPort: bePort,
  network: u32,
  state: u8,
  pad: padding(3),
});

/** The one value of `socket_settings`. */
export type SocketSettings = ValueOf<typeof socketSettings>;
export const socketSettings = struct('socket_settings', {
  cgroup: u64,
  serversOnly: u32,
  pad: padding(4),
});

/** A record of the ring buffer `events`; `timeNs` is CLOCK_MONOTONIC, `ownerAge` in ticks. */
export type Event = ValueOf<typeof event>;
export const event = struct('event', {
  timeNs: u64,
  type: named(u32, EVENT_TYPE),
  listener: u16,
  backend: u16,
  subject: flow4,
  owner: flow4,
  visible: flow4,
  ownerAge: u32,
  visiblePort: bePort,
  local: u16,
  action: named(u8, COLLISION_ACTION),
  ownerState: named(u8, SESSION_STATE),
  ownerKind: named(u8, SESSION_KIND),
  subjectKind: named(u8, SESSION_KIND),
  pad: padding(4),
});

/** A value of `sweep`: the kernel's timer, which reads as zero, then the figures. */
export type Sweep = ValueOf<typeof sweep>;
export const sweep = struct('sweep_value', { timer: padding(16), stats: sweepStats });
