/**
 * Whether a SYN may open a session: asked before anything is taken for it, and of nothing
 * else. What keeps no count comes first, and what one client asks too much is taken from
 * its own bucket before it is taken from everyone's.
 */
import { cidr, cidrContains, type Ipv4Address } from '../../../packet/index.ts';
import type { AdmissionRow, RateRow } from '../data-path.ts';
import { tupleOf } from '../flow.ts';
import { isLive, type Session } from '../session.ts';
import type { Segment } from '../segment.ts';
import type { Access, EventType, Refused } from '../words.ts';
import { nanosecondsFromTicks } from '../world.ts';
import type { Balancer, ClientKey, Listener } from './parts.ts';

/** What people should hear of: not of a list that does what it is there for. */
const EVENT_OF: Readonly<Partial<Record<Refused, EventType>>> = {
  'listener-limit': 'listener-limit',
  'listener-rate': 'listener-rate',
  'client-rate': 'client-limit',
  'client-limit': 'client-limit',
  'client-opening': 'client-limit',
};
const NO_ENDPOINT = '0.0.0.0:0';

/** Undefined when the SYN may open a session, or take up one that rests; else why not. */
export function admit(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
): Refused | undefined {
  const { rate } = listener.admission;
  if (isDenied(listener, segment)) return 'denied';
  const refused = isOverLimit(balancer, listener)
    ? 'listener-limit'
    : (refusalOfClient(balancer, segment, listener) ??
      (takeToken(balancer, `${listener.index}`, rate, segment) ? undefined : 'listener-rate'));
  const event = refused && EVENT_OF[refused];
  if (event) tellOf(balancer, segment, event);
  return refused;
}

/** True for who is kept out by the listener's list. */
export function isDenied({ admission: { access } }: Listener, { flow }: Segment): boolean {
  return access !== undefined && accessOf(access, flow.from.address) === 'deny';
}

/** The client that a session counts for; undefined where its sessions are not counted. */
export function countedClient(
  { admission: { client }, index }: Listener,
  address: Ipv4Address,
): ClientKey | undefined {
  const isCounted = (client?.sessionsMax ?? 0) > 0 || (client?.openingMax ?? 0) > 0;
  return isCounted && client ? clientKey(index, address, client.bits) : undefined;
}

/** An event about a SYN; a flood would repeat it. */
export function tellOf({ journal }: Balancer, { flow, now }: Segment, type: EventType): void {
  journal.tellSeldom(
    {
      type,
      subject: tupleOf(flow),
      owner: `${NO_ENDPOINT}>${NO_ENDPOINT}`,
      visible: `${NO_ENDPOINT}>${NO_ENDPOINT}`,
      visiblePort: 0,
      action: 'none',
      ownerKind: 'balanced',
      subjectKind: 'balanced',
    },
    now,
  );
}

/** Of the longest prefix that contains the address. */
function accessOf(access: NonNullable<AdmissionRow['access']>, address: Ipv4Address): Access {
  const containing = Object.entries(access)
    .map(([prefix, meaning]) => ({ ...cidr(prefix), meaning }))
    .filter((prefix) => cidrContains(prefix, address))
    .toSorted((a, b) => b.prefixBits - a.prefixBits);
  return containing[0]?.meaning ?? 'deny';
}

function isOverLimit({ sessions }: Balancer, listener: Listener): boolean {
  if (!listener.sessionsMax) return false;
  const own = sessions.all().filter((session) => session.listener === listener.index);
  return own.filter(isLive).length >= listener.sessionsMax;
}

function refusalOfClient(
  balancer: Balancer,
  segment: Segment,
  { admission: { client }, index }: Listener,
): Refused | undefined {
  if (!client) return undefined;
  const key = clientKey(index, segment.flow.from.address, client.bits);
  const own = balancer.sessions.all().filter((one) => one.client === key && isLive(one));
  const opening = own.filter((one: Session) => one.state === 'opening');
  if (client.sessionsMax && own.length >= client.sessionsMax) return 'client-limit';
  if (client.openingMax && opening.length >= client.openingMax) return 'client-opening';
  return takeToken(balancer, key, client.rate, segment) ? undefined : 'client-rate';
}

/** A bucket is the time at which it would be full again (the generic cell rate algorithm, ITU-T I.371). */
function takeToken(
  { buckets }: Balancer,
  key: string,
  rate: RateRow | undefined,
  { now }: Segment,
): boolean {
  if (!rate) return true;
  const nowNs = nanosecondsFromTicks(now);
  const intervalNs = Math.round(rate.everySeconds * 1e9);
  const fullNs = Math.max(buckets.get(key) ?? 0, nowNs);
  if (fullNs - nowNs > intervalNs * (rate.burst - 1)) return false;
  buckets.set(key, fullNs + intervalNs);
  return true;
}

function clientKey(listener: number, address: Ipv4Address, bits: number): ClientKey {
  return `${listener}/${Math.floor(address / 2 ** (32 - bits))}`;
}
