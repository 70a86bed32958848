/** ICMP errors on their way through the balancer; rows are made of these. */
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_UNREACHABLE,
  icmpError,
  toa,
  type IcmpErrorFields,
} from '../../../packet/index.ts';
import type { BalancerTables, Side } from '../../model/index.ts';
import {
  CLIENT,
  fromBackend,
  fromClient,
  linkFrom,
  linkTo,
  LOCAL_ADDRESS,
  toBackend,
  toClient,
} from '../network.ts';
import { sent, type Expectation, type Step } from '../row.ts';
import {
  CLIENT_DATA,
  down,
  ESTABLISHED,
  SERVER_DATA,
  SYN,
  SYN_OPTIONS,
  up,
  type Segment,
} from './conversation.ts';

export type Kind = { readonly type: number; readonly code: number; readonly parameter?: number };
export type Given = Partial<IcmpErrorFields>;

export const CLIENT_ADDRESS = '10.0.88.100';
export const VIRTUAL_ADDRESS = '10.0.23.111';
export const BACKEND_ADDRESS = '10.0.98.79';
/** Routers on the way: behind the balancer, and before it. */
export const ROUTER_BEHIND = '10.0.98.1';
export const ROUTER_BEFORE = '10.0.88.1';
export const QUOTED_WHOLE = 1480;

export const TOO_BIG: Kind = {
  type: ICMP_UNREACHABLE,
  code: ICMP_FRAGMENTATION_NEEDED,
  parameter: 1400,
};
export const HOST_UNREACHABLE: Kind = { type: ICMP_UNREACHABLE, code: 1 };
/** The balancer's own packet to the backend meets an error there; the client gets it. */
export function aboutUp(kind: Kind, segment: Segment, given: Given = {}): Step<BalancerTables> {
  return errorStep('back', kind, quotedUp(segment), given);
}

/** The balancer's own packet to the client meets an error there; the backend gets it. */
export function aboutDown(kind: Kind, segment: Segment, given: Given = {}): Step<BalancerTables> {
  return errorStep('front', kind, quotedDown(segment), given);
}

/** The same packet as it was sent on, and as its sender had sent it (but for its TTL). */
type Quoted = { readonly received: Uint8Array; readonly original: Uint8Array };

export function quotedUp(segment: Segment): Quoted {
  const ttl = segment.ttl ?? 63;
  return {
    received: toBackend({ ...segment, ttl }),
    original: fromClient({ ...segment, ttl }),
  };
}

export function quotedDown(segment: Segment): Quoted {
  const ttl = segment.ttl ?? 63;
  return {
    received: toClient({ ...segment, ttl }),
    original: fromBackend({ ...segment, ttl }),
  };
}

export function errorStep(
  side: Side,
  kind: Kind,
  quoted: Quoted,
  given: Given,
): Step<BalancerTables> {
  return { kind: 'frame', from: side, ...translation(side, kind, quoted, given) };
}

function translation(side: Side, kind: Kind, { received, original }: Quoted, given: Given) {
  const [to, from] =
    side === 'back' ? [CLIENT_ADDRESS, VIRTUAL_ADDRESS] : [BACKEND_ADDRESS, LOCAL_ADDRESS];
  const { parameter = kind.parameter, ...rest } = given;
  const ttl = (given.ttl ?? 64) - 1;
  const ethernet = linkTo(side === 'back' ? 'front' : 'back');
  const translated = icmpError({
    ...kind,
    ...rest,
    ethernet,
    from,
    to,
    ttl,
    about: original,
    ...(parameter === undefined ? {} : { parameter }),
  });
  return {
    frame: arriving(side, kind, received, rest),
    expect: sent(side === 'back' ? 'error-to-client' : 'error-to-backend', translated),
  };
}

/** Not from a router on the way, but from where the quoted packet went. */
export function fromThere(side: Side, from: string, quoted: Quoted): Step<BalancerTables> {
  const { expect } = translation(side, HOST_UNREACHABLE, quoted, {});
  return arrives(side, HOST_UNREACHABLE, quoted.received, expect, { from });
}

/** The error as it reaches the balancer. */
function arriving(side: Side, kind: Kind, about: Uint8Array, given: Given = {}): Uint8Array {
  const [from, to] =
    side === 'back' ? [ROUTER_BEHIND, LOCAL_ADDRESS] : [ROUTER_BEFORE, VIRTUAL_ADDRESS];
  return icmpError({ ...kind, ethernet: linkFrom(side), from, to, about, ...given });
}

export function arrives(
  side: Side,
  kind: Kind,
  about: Uint8Array,
  expect: Expectation,
  given: Given = {},
): Step<BalancerTables> {
  return { kind: 'frame', from: side, frame: arriving(side, kind, about, given), expect };
}

export const established = { sessions: [{ state: 'established' }] } as const;
export const EXCHANGED = [...ESTABLISHED, up(CLIENT_DATA), down(SERVER_DATA)];
export const SYN_WITH_TOA = { ...SYN, options: [toa(CLIENT), ...SYN_OPTIONS] };
