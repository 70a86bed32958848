/** Evidence for tests: places where nothing happened, and what a test says did. */
import { endpoint } from '../../packet/address.ts';
import { collected, missing } from '../collect/collected.ts';
import type { Daemon } from '../collect/daemons.ts';
import type { FilterRule } from '../collect/filters.ts';
import { NO_DAEMON, type Snapshot } from '../collect/snapshot.ts';
import type { ProbedAttempt } from '../experiments/attempt.ts';
import type { Purpose } from '../experiments/plan.ts';
import type { Evidence, PlaceEvidence, Role } from '../findings/evidence.ts';

export const TARGET = endpoint('10.0.23.111:18056');
export const BACKEND = endpoint('10.0.98.79:8056');

type Label = ProbedAttempt['label'];

/** What grew at a place, or is so there. */
export interface Happened {
  readonly counters?: Readonly<Record<string, number>>;
  readonly conntrack?: Readonly<Record<string, number>>;
  readonly rules?: readonly (Pick<FilterRule, 'text' | 'hook' | 'action'> & { grew?: number })[];
  readonly after?: Partial<Snapshot>;
}

export function evidence(
  happened: Partial<Record<Role, Happened>>,
  differing: Partial<Evidence> = {},
): Evidence {
  const roles: Role[] = ['client', 'forwarder', 'balancer', 'host', 'server'];
  return {
    target: TARGET,
    backends: [BACKEND],
    attempts: [],
    lostSyns: 0,
    windowSeconds: 5,
    places: roles.map((role) => place(role, happened[role] ?? {})),
    data: undefined,
    capture: undefined,
    ...differing,
  };
}

/** `count` of a kind that ended alike: `attempts('listener', 16, 'silent')`. */
export function attempts(purpose: Purpose, count: number, label: Label): ProbedAttempt[] {
  const isDirect = purpose === 'direct' || purpose === 'same-port-direct';
  const [host, port] = isDirect ? ['10.0.98.79', 8056] : ['10.0.23.111', 18_056];
  return Array.from({ length: count }, (_, id) => ({
    ...{ id, purpose, host, port, localPort: 20_000 + id, label },
    ...{ timeMs: 0, durationMs: 1, code: null },
  }));
}

/** All connections to the listener are lost, four SYNs each. */
export const ALL_LOST: Partial<Evidence> = {
  attempts: attempts('listener', 16, 'silent'),
  lostSyns: 64,
};

export function emptyDaemon(role: Daemon['role']): Daemon {
  return {
    ...{ role, drops: [], notes: [], backends: [], listeners: [], locals: [] },
    ...{ collisions: [], servers: [], mode: 'packet' },
  };
}

function place(role: Role, { counters = {}, conntrack = {}, rules = [], after }: Happened) {
  const grown = (numbers: Readonly<Record<string, number>>, by: 0 | 1) =>
    new Map(Object.entries(numbers).map(([name, value]) => [name, 1_000n + BigInt(value * by)]));
  const filters = (by: 0 | 1): FilterRule[] =>
    rules.map(({ grew, ...rule }) => ({
      ...{ ...rule, id: rule.text, family: 'ip' },
      packets: grew === undefined ? undefined : BigInt(7 + grew * by),
    }));
  const snapshot = (by: 0 | 1): Snapshot => ({
    ...nothing(),
    counters: collected(grown(counters, by)),
    conntrack: collected({ entries: 10, most: 1_000, stats: grown(conntrack, by) }),
    filters: collected(filters(by)),
  });
  const evidence: PlaceEvidence = {
    ...{ name: role, role, before: snapshot(0) },
    after: { ...snapshot(1), ...after },
  };
  return evidence;
}

function nothing(): Snapshot {
  return {
    takenMs: 0,
    counters: collected(new Map()),
    conntrack: collected({ entries: 0, most: 0, stats: new Map() }),
    filters: collected([]),
    sockets: collected({
      listeners: [{ local: '10.0.98.79:8056', port: 8056, queued: 0, queueMost: 128 }],
      connections: [],
    }),
    sysctls: collected(new Map()),
    addresses: collected([]),
    routes: [],
    neighbours: collected([]),
    links: collected([]),
    nicStats: collected(new Map()),
    speeds: collected(new Map()),
    qdiscs: collected([]),
    policers: collected(new Map()),
    softnet: collected({ dropped: 0, flowLimited: 0 }),
    xfrm: collected(new Map()),
    log: collected([]),
    daemon: missing(NO_DAEMON),
  };
}
