/** What `fullnat top` reads at one moment, and the rates between two of them. */
import type { Row } from '../daemons.ts';

export type Sample = {
  readonly atMs: number;
  readonly listeners: readonly Row[];
  readonly backends: readonly Row[];
  /** Of the balancer; not all when there are more than are read. */
  readonly sessions: readonly Row[];
  readonly sessionsTotal: number;
  readonly drops: readonly Row[];
  readonly info: Row;
};

/** What moved, by the second. */
export type Moving = {
  readonly name: string;
  readonly state: string;
  readonly live: number;
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly refused: number;
};

export type Rates = {
  readonly seconds: number;
  readonly total: Moving;
  readonly dropped: number;
  readonly listeners: readonly Moving[];
  readonly backends: readonly Moving[];
  readonly clients: readonly Moving[];
};

/** Busiest first. Of one sample alone nothing has moved. */
export function ratesBetween(before: Sample, now: Sample): Rates {
  const seconds = Math.max((now.atMs - before.atMs) / 1_000, 0.001);
  const listeners = compared(before.listeners, now.listeners, seconds, (row) => word(row, 'name'));
  return {
    seconds,
    total: sum('all', listeners),
    dropped: perSecond(packets(before.drops), packets(now.drops), seconds),
    listeners: busiest(listeners),
    backends: busiest(
      compared(before.backends, now.backends, seconds, (row) => word(row, 'address')),
    ),
    clients: busiest(clientsOf(before.sessions, now.sessions, seconds)),
  };
}

function compared(
  before: readonly Row[],
  now: readonly Row[],
  seconds: number,
  nameOf: (row: Row) => string,
): Moving[] {
  const known = new Map(before.map((row) => [nameOf(row), row]));
  return now.map((row) => {
    const name = nameOf(row);
    const earlier = known.get(name) ?? row;
    const rate = (field: string) => perSecond(number(earlier, field), number(row, field), seconds);
    return {
      name,
      state: word(row, 'state'),
      live: number(row, 'live'),
      connections: rate('connections'),
      bytesIn: rate('bytesIn'),
      bytesOut: rate('bytesOut'),
      refused: rate('refused'),
    };
  });
}

/** By address: live sessions, new ones, and the bytes of those that are there. */
function clientsOf(before: readonly Row[], now: readonly Row[], seconds: number): Moving[] {
  const idOf = (row: Row) => `${word(row, 'client')} ${word(row, 'local')}`;
  const known = new Map(before.map((row) => [idOf(row), row]));
  const hasPast = before !== now;
  const clients = new Map<string, Moving[]>();
  for (const row of now) {
    const earlier = known.get(idOf(row));
    const name = word(row, 'client').replace(/:\d+$/, '');
    const since = (field: string) =>
      hasPast ? perSecond(number(earlier ?? {}, field), number(row, field), seconds) : 0;
    const isLive = ['opening', 'established', 'closing'].includes(word(row, 'state'));
    const one = {
      ...{ name, state: '', live: isLive ? 1 : 0, refused: 0 },
      connections: hasPast && earlier === undefined ? 1 / seconds : 0,
      ...{ bytesIn: since('bytesIn'), bytesOut: since('bytesOut') },
    };
    const own = clients.get(name);
    if (own === undefined) clients.set(name, [one]);
    else own.push(one);
  }
  return [...clients].map(([name, all]) => sum(name, all));
}

function sum(name: string, all: readonly Moving[]): Moving {
  const of = (field: 'live' | 'connections' | 'bytesIn' | 'bytesOut' | 'refused') =>
    all.reduce((total, one) => total + one[field], 0);
  return {
    ...{ name, state: '', live: of('live'), connections: of('connections') },
    ...{ bytesIn: of('bytesIn'), bytesOut: of('bytesOut'), refused: of('refused') },
  };
}

function busiest(all: readonly Moving[]): Moving[] {
  return all.toSorted(
    (a, b) =>
      b.connections - a.connections ||
      b.bytesIn + b.bytesOut - (a.bytesIn + a.bytesOut) ||
      b.live - a.live ||
      (a.name < b.name ? -1 : 1),
  );
}

/** A counter that began anew has counted what it shows. */
function perSecond(before: number, now: number, seconds: number): number {
  return (now >= before ? now - before : now) / seconds;
}

function packets(drops: readonly Row[]): number {
  return drops.reduce((total, row) => total + number(row, 'packets'), 0);
}

function number(row: Row, field: string): number {
  const value = row[field];
  return typeof value === 'number' ? value : 0;
}

function word(row: Row, field: string): string {
  const value = row[field];
  return typeof value === 'string' ? value : '';
}
