/** The tables that rows start from unless they say otherwise. */
import type {
  AgentTables,
  BalancerTables,
  ListenerRow,
  ServerRow,
  SessionLimits,
} from '../model/index.ts';
import { BACKEND, LOCAL_ADDRESS, WEB } from './network.ts';

export const WEB_LISTENER: ListenerRow = {
  at: WEB,
  pool: 0,
  toa: 'syn',
  onUnknown: 'reset',
  onRefused: 'reset',
  sessionsMax: 0,
  admission: {},
};

const LIMITS: SessionLimits = {
  sessionCapacity: 1024,
  openingMax: 512,
  secret: [0x0123_4567_89ab_cdefn, 0xfedc_ba98_7654_3210n],
  timeoutSeconds: { opening: 10, established: 900, closing: 120, 'time-wait': 64, reset: 10 },
};

/** One listener, one backend, one local with one port. */
export const WEB_TABLES: BalancerTables = {
  ...LIMITS,
  listeners: [WEB_LISTENER],
  pools: [{ schedule: [0], select: 'round-robin', seed: 0, locals: { first: 0, count: 1 } }],
  backends: [BACKEND],
  locals: [{ address: LOCAL_ADDRESS, ports: [5004, 5004] }],
  backendLimits: [],
  ended: [],
};

export const SERVER: ServerRow = { at: BACKEND, onCollision: 'remap', remap: [10_000, 19_999] };

/** One server, and the balancer's locals. */
export const AGENT_TABLES: AgentTables = {
  ...LIMITS,
  servers: [SERVER],
  trusted: ['10.0.124.160/28'],
  takenOver: false,
};

/** The listener `web` with something else about it. */
export function webWith(other: Partial<ListenerRow>): Partial<BalancerTables> {
  return { listeners: [{ ...WEB_LISTENER, ...other }] };
}
