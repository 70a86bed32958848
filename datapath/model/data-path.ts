/** A data path, its tables and what they hold: the model is one, and so are the loaded kernel programs. */
import type {
  Access,
  CollisionAction,
  CollisionPolicy,
  EventType,
  Note,
  Refusal,
  ScheduleSelect,
  SessionKind,
  SessionState,
  SynProtection,
  ToaMode,
  Verdict,
} from './words.ts';

/** Where a frame comes from: the client's side, or the server's. */
export type Side = 'front' | 'back';
/** `pass`: whatever comes next sees it. `redirect`: sent by us. */
export type Action = 'pass' | 'redirect' | 'drop';

/** What became of one frame. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly action: Action;
  /** As the program left it; of a dropped frame it means nothing. */
  readonly frame: Uint8Array;
  readonly notes: readonly Note[];
}

/** A data path under test; `Tables` is what control would write into its maps. */
export interface DataPath<Tables> {
  /** Forgets every session and counter, and takes these tables. */
  reset(tables: Tables): void;
  /** Takes other tables and keeps the sessions. */
  reconfigure(tables: Tables): void;
  receive(frame: Uint8Array, from: Side): Outcome;
  /** Time goes by; expiry is another matter. */
  elapse(seconds: number): void;
  /** So many more bytes have come from this side, on every session. */
  carry(bytes: number, from: Side): void;
  /** Puts every session into the moment between the decision to delete it and its end. */
  seize(): void;
  /** Everything that is due by now has been expired when this is done. */
  sweep(): Promise<void>;
  state(): State;
  close(): void;
}

/** Both kinds of data path limit their sessions alike. */
export interface SessionLimits {
  readonly sessionCapacity: number;
  readonly openingMax: number;
  readonly secret: readonly [bigint, bigint];
  readonly timeoutSeconds: Readonly<Record<TimedState, number>>;
}
export type TimedState = Exclude<SessionState, 'free' | 'dead'>;

export interface BalancerTables extends SessionLimits {
  readonly listeners: readonly ListenerRow[];
  readonly pools: readonly PoolRow[];
  readonly backends: readonly string[];
  readonly locals: readonly LocalRow[];
  /** By index of the backend: sessions at most; 0 or none: no limit. */
  readonly backendLimits: readonly number[];
  /** Indices of the backends whose sessions are over. */
  readonly ended: readonly number[];
}
export interface ListenerRow {
  readonly at: string;
  readonly pool: number;
  readonly toa: ToaMode;
  readonly onUnknown: Refusal;
  readonly onRefused: Refusal;
  readonly sessionsMax: number;
  readonly admission: AdmissionRow;
}
/** Whose SYN may open a session; what is left out is not limited. */
export interface AdmissionRow {
  /** Prefixes, one of them 0.0.0.0/0; the longest that contains the client counts. */
  readonly access?: Readonly<Record<string, Access>> | undefined;
  readonly rate?: RateRow | undefined;
  readonly client?: ClientRow | undefined;
  readonly cookies?: CookiesRow | undefined;
}
export interface RateRow {
  readonly everySeconds: number;
  readonly burst: number;
}
export interface ClientRow {
  /** Length of the prefix that is one client. */
  readonly bits: number;
  readonly rate?: RateRow | undefined;
  readonly sessionsMax?: number;
  readonly openingMax?: number;
}
/** When SYNs are answered with SYN cookies. */
export interface CookiesRow {
  readonly when: Exclude<SynProtection, 'off'>;
  /** `auto`: half-open sessions from which on. */
  readonly threshold: number;
}
export interface PoolRow {
  /** Indices of backends in the order in which they are chosen. */
  readonly schedule: readonly number[];
  readonly select: ScheduleSelect;
  /** By index of the backend, for least connections; 1 when left out. */
  readonly weights?: readonly number[];
  /** Of the hashes. */
  readonly seed: number;
  readonly sticky?: StickyRow | undefined;
  readonly locals: { readonly first: number; readonly count: number };
}
/** Clients with so many bits in common come back to their backend for so long after their last new connection. */
export interface StickyRow {
  readonly bits: number;
  readonly seconds: number;
}
export interface LocalRow {
  readonly address: string;
  readonly ports: readonly [low: number, high: number];
}

export interface AgentTables extends SessionLimits {
  readonly servers: readonly ServerRow[];
  /** Addresses or prefixes. */
  readonly trusted: readonly string[];
  /** New balanced connections are left to socket mode. */
  readonly takenOver: boolean;
}
export interface ServerRow {
  readonly at: string;
  readonly onCollision: CollisionPolicy;
  readonly remap: readonly [low: number, high: number];
}

/** What the tables hold after some frames. */
export interface State {
  /** In no order. */
  readonly sessions: readonly SessionView[];
  /** By `local/backend` index. */
  readonly ports: Readonly<Record<string, PortsView>>;
  readonly evicted: number;
  readonly events: readonly EventView[];
  /** By index of the listener; none in an agent. */
  readonly listeners: readonly TrafficView[];
  readonly backends: readonly TrafficView[];
  /** By index of the backend, where there was any; none in an agent. */
  readonly trouble: Readonly<Record<string, TroubleView>>;
  /** By index of the listener; none in an agent. */
  readonly outcomes: readonly OutcomesView[];
  /** Contradictions between the tables; there must be none. */
  readonly faults: readonly string[];
}
/** `10.0.88.100:21521>10.0.23.111:18056` */
export type Tuple = string;
export interface SessionView {
  readonly state: SessionState;
  readonly kind: SessionKind;
  readonly front: Tuple;
  readonly back: Tuple;
  readonly closedBy: readonly Side[];
  readonly flags: readonly ('remapped' | 'adopted' | 'reopened')[];
  /** What is added to the client's numbers for the server. */
  readonly shift: { readonly sequence: number; readonly time: number };
}
export interface PortsView {
  readonly allocated: number;
  readonly probes: number;
  readonly failed: number;
  readonly reused: number;
  readonly inUse: number;
  readonly resting: number;
}
export interface TrafficView {
  readonly connections: number;
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly bytesOut: number;
  readonly refused: number;
  readonly toaInserted: number;
  readonly toaNotInserted: number;
  readonly toaAnnounced: number;
  readonly toaNotDelivered: number;
}
/** Connections that a backend did not accept. */
export interface TroubleView {
  /** RSTs instead of a SYN+ACK. */
  readonly refused: number;
  /** SYNs sent again before there was any answer. */
  readonly unanswered: number;
}
/** What became of connections. */
export interface OutcomesView {
  /** SYNs that a server answered. */
  readonly answered: number;
  /** Sessions that a RST of the client, or of the server, ended. */
  readonly resetsClient: number;
  readonly resetsServer: number;
}
export interface EventView {
  readonly type: EventType;
  readonly subject: Tuple;
  readonly owner: Tuple;
  readonly visible: Tuple;
  readonly visiblePort: number;
  readonly action: CollisionAction;
  readonly ownerKind: SessionKind;
  readonly subjectKind: SessionKind;
}
