/** The health of every backend of every pool, and the checks that keep it known. */
import { isDeepStrictEqual } from 'node:util';
import {
  formatEndpoint,
  type Endpoint,
  type Ipv4Address,
  type Port,
} from '../../packet/address.ts';
import type { PoolConfig } from '../config/balancer.ts';
import type { HealthConfig, HttpCheck } from '../config/health.ts';
import {
  checkRepeatedly,
  type Checked,
  type CheckerParts,
  type Clock,
  type Connector,
} from './check.ts';
import { checking, unchecked, type Health } from './state.ts';

export type MonitorParts = Omit<CheckerParts, 'onHealth' | 'connect'> & {
  /** The check that connects, from this address. */
  readonly connectFrom: (source?: Ipv4Address) => Connector;
  /** The check that makes this request. */
  readonly requestBy: (check: HttpCheck, source?: Ipv4Address) => Connector;
  /** After each change of a backend's state. */
  readonly onChange: (change: HealthChange) => void;
  /** After each check, of the backend as `a.b.c.d:port`. */
  readonly onCheck?: (backend: string, check: Checked) => void;
};

export type HealthChange = {
  readonly pool: string;
  readonly backend: Endpoint;
  readonly before: Health;
  readonly after: Health;
};

/** What is checked, and how. */
type Subject = { readonly pool: string; readonly target: Endpoint; readonly health: HealthConfig };
type Check = { readonly subject: Subject; readonly stop: AbortController; ended: Promise<void> };

export class HealthMonitor {
  readonly #parts: MonitorParts;
  readonly #health = new Map<string, Health>();
  readonly #checks = new Map<string, Check>();
  readonly #last = new Map<string, Checked>();
  /** Connections had trouble with them; their next check says what it was. */
  readonly #suspected = new Set<string>();
  readonly #hurry = new Map<string, () => void>();

  constructor(parts: MonitorParts) {
    this.#parts = parts;
  }

  of(pool: string, backend: string): Health {
    const health = this.#health.get(idOf(pool, backend));
    if (health === undefined) throw new RangeError(`pool ${pool} has no backend ${backend}`);
    return health;
  }

  /** Undefined while there was none. */
  lastCheckOf(pool: string, backend: string): Checked | undefined {
    return this.#last.get(idOf(pool, backend));
  }

  /** What connections say: it is checked at once, and goes on being used until checks say otherwise. */
  suspect(pool: string, backend: string): void {
    const id = idOf(pool, backend);
    if (this.#health.get(id)?.isUsed !== true || !this.#checks.has(id)) return;
    this.#suspected.add(id);
    this.#hurry.get(id)?.();
  }

  isSuspected(pool: string, backend: string): boolean {
    return this.#suspected.has(idOf(pool, backend));
  }

  /**
   * Gives what is new a health, so that it can be used; what is known keeps its own. `outOfUse`
   * says which backends of a pool, as `a.b.c.d:port`, are known to be down from elsewhere.
   */
  add(
    pools: readonly PoolConfig[],
    outOfUse: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
  ): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const [id, { pool, target, health }] of subjectsOf(pools)) {
      if (this.#health.has(id)) continue;
      const isUsed = outOfUse.get(pool)?.has(formatEndpoint(target)) !== true;
      const first = health.kind === 'off' ? unchecked(nowMs) : checking(nowMs, isUsed);
      this.#health.set(id, first);
    }
  }

  /** From now on checks these backends, and no others; a check that stays as it was goes on. */
  follow(pools: readonly PoolConfig[]): void {
    this.add(pools);
    const subjects = subjectsOf(pools);
    for (const id of this.#health.keys()) if (!subjects.has(id)) this.#health.delete(id);
    for (const id of this.#last.keys())
      if ((subjects.get(id)?.health.kind ?? 'off') === 'off') this.#last.delete(id);
    for (const [id, { subject, stop }] of this.#checks) {
      if (isDeepStrictEqual(subjects.get(id), subject)) continue;
      stop.abort();
      this.#checks.delete(id);
    }
    for (const [id, subject] of subjects) {
      if (this.#checks.has(id)) continue;
      this.#switchChecks(id, subject);
      if (subject.health.kind !== 'off') this.#start(id, subject, subject.health);
    }
  }

  /** Resolves when every check has ended. */
  async stop(): Promise<void> {
    const checks = [...this.#checks.values()];
    for (const { stop } of checks) stop.abort();
    await Promise.all(checks.map(({ ended }) => ended));
  }

  /** A pool whose checks were switched on or off says something else of its backends from now on. */
  #switchChecks(id: string, subject: Subject): void {
    const nowMs = this.#parts.clock.nowMs();
    const isOff = subject.health.kind === 'off';
    if ((this.#health.get(id)?.state === 'unchecked') === isOff) return;
    this.#learn(id, subject, isOff ? unchecked(nowMs) : checking(nowMs, true));
  }

  #start(id: string, subject: Subject, config: Exclude<HealthConfig, { kind: 'off' }>): void {
    const { random, connectFrom, requestBy } = this.#parts;
    const { http, source } = config;
    const clock = this.#clockOf(id);
    const connect = http === undefined ? connectFrom(source) : requestBy(http, source);
    const { address, port } = subject.target;
    const target = { address, port: (config.port ?? port) as Port };
    const stop = new AbortController();
    const onHealth = (after: Health, check: Checked) => {
      this.#last.set(id, check);
      this.#parts.onCheck?.(formatEndpoint(subject.target), check);
      this.#learn(id, subject, after);
    };
    const ended = checkRepeatedly(
      { connect, clock, random, onHealth },
      { target, ...config },
      this.of(subject.pool, formatEndpoint(subject.target)),
      stop.signal,
    );
    this.#checks.set(id, { subject, stop, ended });
  }

  /** The pause between two checks ends early when the backend is suspected. */
  #clockOf(id: string): Clock {
    const { clock } = this.#parts;
    return {
      nowMs: () => clock.nowMs(),
      steadyMs: () => clock.steadyMs(),
      sleep: async (durationMs, signal) => {
        const early = new AbortController();
        const end = () => early.abort();
        signal.addEventListener('abort', end, { once: true });
        this.#hurry.set(id, end);
        await clock.sleep(durationMs, signal.aborted ? signal : early.signal);
        signal.removeEventListener('abort', end);
        this.#hurry.delete(id);
      },
    };
  }

  #learn(id: string, { pool, target }: Subject, after: Health): void {
    const before = this.of(pool, formatEndpoint(target));
    this.#health.set(id, after);
    this.#suspected.delete(id);
    if (before.state !== after.state)
      this.#parts.onChange({ pool, backend: target, before, after });
  }
}

function subjectsOf(pools: readonly PoolConfig[]): Map<string, Subject> {
  return new Map(
    pools.flatMap(({ name, health, backends }) =>
      backends.map(({ address }) => [
        idOf(name, formatEndpoint(address)),
        { pool: name, target: address, health },
      ]),
    ),
  );
}

function idOf(pool: string, backend: string): string {
  return `${pool} ${backend}`;
}
