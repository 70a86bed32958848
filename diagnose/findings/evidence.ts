/** All that a hypothesis may decide by: attempts, and two snapshots of every place on the path. */
import { formatEndpoint, formatIpv4Address, type Endpoint } from '../../packet/address.ts';
import type { Collected } from '../collect/collected.ts';
import { NO_DAEMON, type Snapshot } from '../collect/snapshot.ts';
import type { Delivery } from '../experiments/delivery.ts';
import { hasFailed, isSilent, type ProbedAttempt } from '../experiments/attempt.ts';
import type { Purpose } from '../experiments/plan.ts';
import type { Location } from '../localise/locate.ts';
import type { PlaceFrames } from '../localise/sides.ts';
import type { Watched } from '../localise/watch.ts';

export type Role = 'client' | 'other-client' | 'balancer' | 'host' | 'server' | 'forwarder';

export interface PlaceEvidence {
  readonly name: string;
  readonly role: Role;
  readonly before: Snapshot;
  readonly after: Snapshot;
}

export interface Evidence {
  readonly target: Endpoint;
  readonly backends: readonly Endpoint[];
  /** Every connection that was tried, of all clients. */
  readonly attempts: readonly ProbedAttempt[];
  /** SYNs that no answer came to, first ones and repeated. */
  readonly lostSyns: number;
  readonly windowSeconds: number;
  /** In path order, the client first. */
  readonly places: readonly PlaceEvidence[];
  /** Where large segments were asked for. */
  readonly data: Collected<Delivery> | undefined;
  /** Where nothing else proved a cause. */
  readonly capture: CaptureEvidence | undefined;
}

/** What narrow captures at every place showed of a few connections. */
export interface CaptureEvidence {
  readonly location: Location | undefined;
  /** Where TOA disappeared, if it did. */
  readonly toaLost: Hop | undefined;
  readonly places: readonly Omit<PlaceFrames, 'role' | 'frames'>[];
  /** Places that could not capture, and why. */
  readonly failures: readonly { readonly place: string; readonly why: string }[];
  /** The captures themselves, by place. */
  readonly files: readonly Watched[];
}

/** Where on the path: in a machine, or between two. */
export type Hop =
  | { readonly kind: 'inside'; readonly place: string }
  | { readonly kind: 'between'; readonly from: string; readonly to: string }
  | { readonly kind: 'unknown' };

export function inside(place: Pick<PlaceEvidence, 'name'>): Hop {
  return { kind: 'inside', place: place.name };
}

/** `12 of 16` and the like are said with these. */
export interface Tally {
  readonly tried: number;
  readonly failed: number;
  readonly silent: number;
  readonly refused: number;
  /** These came about, after a SYN was sent again. */
  readonly late: number;
}

export function tallyOf({ attempts }: Pick<Evidence, 'attempts'>, ...purposes: Purpose[]): Tally {
  // A port that was busy here says nothing about the target.
  const those = attempts.filter(
    (one) => purposes.includes(one.purpose) && one.label !== 'local-port-busy',
  );
  const failed = those.filter(hasFailed);
  return {
    tried: those.length,
    failed: failed.length,
    silent: failed.filter(isSilent).length,
    refused: failed.filter(({ label }) => label === 'closed').length,
    late: failed.filter(({ label }) => label === 'late').length,
  };
}

/** To the target, by whatever way. */
export function failuresOf({ attempts, target }: Pick<Evidence, 'attempts' | 'target'>): number {
  return attempts.filter((one) => isTo(one, target) && hasFailed(one)).length;
}

export function isTo({ host, port }: ProbedAttempt, { address, port: wanted }: Endpoint): boolean {
  return host === formatIpv4Address(address) && port === wanted;
}

/** A balancer named as a place, or told by its daemon or address; see `roleOf`. */
export function placesOf({ places }: Evidence, ...roles: Role[]): readonly PlaceEvidence[] {
  return places.filter(({ role }) => roles.includes(role));
}

/** Names that people give say less than addresses do. */
export function roleOf(
  name: string,
  snapshot: Snapshot,
  { target, backends }: Pick<Evidence, 'target' | 'backends'>,
): Role {
  const local = snapshot.addresses.ok ? snapshot.addresses.value : [];
  const has = ({ address }: Endpoint) => local.includes(formatIpv4Address(address));
  const isBackend = backends.some(has);
  const isTarget = has(target);
  if (isBackend) return 'server';
  if (snapshot.daemon.ok) return snapshot.daemon.value.role === 'balancer' ? 'balancer' : 'host';
  if (isTarget && backends.length > 0) return 'balancer';
  if (isTarget) return 'server';
  if (/^(?:balancer|lb)/.test(name)) return 'balancer';
  return /^(?:host|nc)/.test(name) ? 'host' : 'forwarder';
}

/** A daemon was named there, and does not answer. */
export function isSilentDaemon({ after }: PlaceEvidence): boolean {
  return !after.daemon.ok && after.daemon.why !== NO_DAEMON;
}

export function backendTexts({ backends }: Pick<Evidence, 'backends'>): readonly string[] {
  return backends.map(formatEndpoint);
}
