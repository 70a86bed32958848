/** Decides by how much something grew, compared with how many SYNs were lost. */
import type { Collected } from '../collect/collected.ts';
import type { Qdisc } from '../collect/links.ts';
import { collected } from '../collect/collected.ts';
import { failuresOf, inside, type Evidence, type PlaceEvidence, type Role } from './evidence.ts';
import { notChecked, proved, ruledOut, suspected, type Decision } from './hypothesis.ts';

/** What is measured, at one place over the window. */
export interface Growth {
  /** As the report says it: `ListenOverflows`. */
  readonly name: string;
  readonly amount: bigint;
}

export type Measure = (place: PlaceEvidence) => Collected<readonly Growth[]>;

/** Every place that a connection passes. */
export const ON_THE_PATH: readonly Role[] = ['client', 'forwarder', 'balancer', 'host', 'server'];

/** What explains less than this share of the losses is not their cause, or not alone. */
const SHARE_LEAST = 0.5;
/** Counters belong to a namespace, not to a connection: never quite sure. */
const CONFIDENCE_MOST = 0.97;
/** What says in so many words why it ended a packet. */
const DIRECT_CONFIDENCE = 0.98;

/**
 * The place where it grew most decides. `compare: 'nothing'` for counters that do not count SYNs
 * one by one: that they grew at all is what counts. `even-if-open`: connections come about, and
 * yet something is wrong with them.
 */
export function decideByGrowth(
  evidence: Evidence,
  {
    roles,
    measure,
    compare = 'lost-syns',
  }: {
    roles: readonly Role[];
    measure: Measure;
    compare?: 'lost-syns' | 'nothing' | 'even-if-open';
  },
): Decision {
  const places = evidence.places.filter(({ role }) => roles.includes(role));
  if (places.length === 0) return notChecked(nobodyNamed(roles));
  const measured = places.map((place) => ({ place, growths: measure(place) }));
  const readable = measured.flatMap(({ place, growths }) =>
    growths.ok ? [{ place, growths: growths.value, sum: sumOf(growths.value) }] : [],
  );
  const [most] = readable.toSorted((a, b) => Number(b.sum - a.sum));
  if (most === undefined) {
    const [first] = measured;
    return notChecked(
      first?.growths.ok === false ? `${first.place.name}: ${first.growths.why}` : '',
    );
  }
  const said = `${growthText(most.growths)} at ${most.place.name}`;
  if (most.sum === 0n) return ruledOut(`${said}${others(readable.length)}`);
  if (compare === 'even-if-open') return proved(inside(most.place), said, DIRECT_CONFIDENCE);
  if (failuresOf(evidence) === 0) return ruledOut(`${said}, and yet no connection failed`);
  if (compare === 'nothing') return proved(inside(most.place), said, DIRECT_CONFIDENCE);
  if (evidence.lostSyns === 0) return ruledOut(`${said}, but no SYN was lost`);
  const share = Number(most.sum) / evidence.lostSyns;
  const compared = `${said}, ${evidence.lostSyns} SYNs lost`;
  return share >= SHARE_LEAST
    ? proved(inside(most.place), compared, Math.min(CONFIDENCE_MOST, share))
    : suspected(inside(most.place), `${compared}: it explains only some`);
}

/** Of the kernel's TCP and IP counters, by name without its group: `TcpExtListenDrops`. */
export function counters(...names: string[]): Measure {
  return ({ before, after }) =>
    both(before.counters, after.counters, (earlier, later) =>
      names.map((name) => ({
        name: name.replace(/^(?:TcpExt|IpExt|Tcp|Ip)(?=[A-Z])/, ''),
        amount: (later.get(name) ?? 0n) - (earlier.get(name) ?? 0n),
      })),
    );
}

/** Of connection tracking, summed over the CPUs. */
export function conntrackStats(...names: string[]): Measure {
  return ({ before, after }) =>
    both(before.conntrack, after.conntrack, (earlier, later) =>
      names.map((name) => ({
        name: `conntrack ${name}`,
        amount: (later.stats.get(name) ?? 0n) - (earlier.stats.get(name) ?? 0n),
      })),
    );
}

/** Of the daemon there: verdicts that end a packet, by name. */
export function daemonDrops(...names: string[]): Measure {
  return ({ before, after }) =>
    both(before.daemon, after.daemon, (earlier, later) =>
      names.map((name) => {
        const count = ({ drops }: typeof later) =>
          BigInt(drops.find((drop) => drop.name === name)?.packets ?? 0);
        return { name, amount: count(later) - count(earlier) };
      }),
    );
}

export function daemonNotes(...names: string[]): Measure {
  return ({ before, after }) =>
    both(before.daemon, after.daemon, (earlier, later) =>
      names.map((name) => {
        const count = ({ notes }: typeof later) =>
          BigInt(notes.find((note) => note.name === name)?.count ?? 0);
        return { name, amount: count(later) - count(earlier) };
      }),
    );
}

/** Errors of IPsec; the names that count success do not end so. */
export function xfrmErrors(): Measure {
  return ({ before, after }) =>
    both(before.xfrm, after.xfrm, (earlier, later) => {
      const grown = growthsOf(earlier, later);
      return grown.length > 0 ? grown : [{ name: 'xfrm_stat', amount: 0n }];
    });
}

/** Of the whole machine. */
export function softnetDrops(): Measure {
  return ({ before, after }) =>
    both(before.softnet, after.softnet, (earlier, later) => [
      { name: 'softnet dropped', amount: BigInt(later.dropped - earlier.dropped) },
      { name: 'flow limited', amount: BigInt(later.flowLimited - earlier.flowLimited) },
    ]);
}

/** Of NICs, their drivers' too, by name. */
export function nicCounters(pattern: RegExp): Measure {
  return ({ before, after }) =>
    both(countersOfNics(before), countersOfNics(after), (earlier, later) => {
      const grown = growthsOf(earlier, later).filter(({ name }) => pattern.test(name));
      return grown.length > 0 ? grown : [{ name: `${later.size} NIC counters`, amount: 0n }];
    });
}

/** Of all devices of a place, as `ip -s -s link` names them. */
export function linkDrops(...names: string[]): Measure {
  return ({ before, after }) =>
    both(linkCounters(before), linkCounters(after), (earlier, later) => {
      const grown = growthsOf(earlier, later).filter(({ name }) =>
        names.some((wanted) => name.endsWith(` ${wanted}`)),
      );
      return grown.length > 0 ? grown : [{ name: names[0] ?? '', amount: 0n }];
    });
}

/** What hooks programs in is no queue: what those drop, they decided. */
function queues(qdiscs: readonly Qdisc[]): readonly Qdisc[] {
  return qdiscs.filter(({ kind }) => kind !== 'clsact' && kind !== 'ingress');
}

export function qdiscDrops(): Measure {
  const dropsOf = ({ qdiscs }: PlaceEvidence['after']) =>
    qdiscs.ok
      ? collected(new Map(queues(qdiscs.value).map(({ id, drops }) => [id, drops] as const)))
      : qdiscs;
  return ({ before, after }) =>
    both(dropsOf(before), dropsOf(after), (earlier, later) => {
      const grown = growthsOf(earlier, later);
      return grown.length > 0 ? grown : [{ name: 'qdisc drops', amount: 0n }];
    });
}

/** What filters at tc's ingress dropped. */
export function policerDrops(): Measure {
  return ({ before, after }) =>
    both(before.policers, after.policers, (earlier, later) => {
      const grown = growthsOf(earlier, later);
      return grown.length > 0 ? grown : [{ name: `${later.size} ingress actions`, amount: 0n }];
    });
}

function countersOfNics(snapshot: PlaceEvidence['after']): Collected<ReadonlyMap<string, bigint>> {
  const links = linkCounters(snapshot);
  if (!links.ok || !snapshot.nicStats.ok) return links;
  return collected(new Map([...links.value, ...snapshot.nicStats.value]));
}

function linkCounters({ links }: PlaceEvidence['after']): Collected<ReadonlyMap<string, bigint>> {
  if (!links.ok) return links;
  const all = links.value.flatMap(({ name, stats }) =>
    [...stats].map(([stat, value]) => [`${name} ${stat}`, value] as const),
  );
  return collected(new Map(all));
}

function growthsOf(
  before: ReadonlyMap<string, bigint>,
  after: ReadonlyMap<string, bigint>,
): readonly Growth[] {
  return [...after].flatMap(([name, value]) => {
    const amount = value - (before.get(name) ?? 0n);
    return amount > 0n ? [{ name, amount }] : [];
  });
}

export function both<T, R>(
  before: Collected<T>,
  after: Collected<T>,
  compare: (before: T, after: T) => R,
): Collected<R> {
  if (!before.ok) return before;
  return after.ok ? collected(compare(before.value, after.value)) : after;
}

/** `ListenDrops +12, ListenOverflows +0` */
export function growthText(growths: readonly Growth[]): string {
  return growths.map(({ name, amount }) => `${name} +${amount}`).join(', ');
}

export function nobodyNamed(roles: readonly Role[]): string {
  const named = roles.map((role) => (role === 'forwarder' ? 'router' : role));
  return `no ${named.join(' or ')} was named: --at ${named[0]}=WHERE`;
}

function sumOf(growths: readonly Growth[]): bigint {
  return growths.reduce((sum, { amount }) => sum + amount, 0n);
}

function others(count: number): string {
  return count > 1 ? ` and the other ${count - 1}` : '';
}
