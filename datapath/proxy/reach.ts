/** Finds a backend that answers, and a local port to reach it from. */
import { formatIpv4Address } from '../../packet/address.ts';
import { hashAddress } from '../model/ports.ts';
import type { Refusal } from './admission.ts';
import type { Chooser } from './choose.ts';
import type { Dial, Dialled } from './dial.ts';
import type { Journal } from './journal.ts';
import type { ProxyMaps } from './maps.ts';
import type { SessionTable } from './session-table.ts';
import type { Session, Way } from './session.ts';
import type { SourcePorts } from './source-ports.ts';

export type ReachParts = {
  readonly maps: ProxyMaps;
  readonly sessions: SessionTable;
  readonly chooser: Chooser;
  readonly ports: SourcePorts;
  readonly dial: Dial;
  readonly nowNs: () => number;
  readonly journal: Journal;
  readonly onFault: (data: object, message: string) => void;
};

/** As the kernel's engine has it: locals asked, and ports of each tried. */
const LOCAL_TRIES = 8;
const PORT_TRIES = 64;
/** A client should not wait for a whole pool that is gone. */
const BACKEND_TRIES = 3;
/** One SYN was repeated after a second and once more: silence is no accident then. */
const SILENCE_MS = 3_500;
const NOT_OURS =
  'no connection can come from this local: it is not an address of this machine; ip addr add ADDRESS/32 dev lo';

/** Undefined when the session is led to a backend and connected; gives up when its client is gone. */
export async function reach(parts: ReachParts, session: Session): Promise<Refusal | undefined> {
  const { chooser, journal, nowNs } = parts;
  const tried = new Set<number>();
  const { pool, client } = session;
  for (let attempt = 0; attempt < BACKEND_TRIES && !session.front.destroyed; attempt++) {
    const backend = chooser.choose({ pool, client, tried, nowNs: nowNs() });
    if (typeof backend === 'string') return attempt === 0 ? backend : 'reset-backend-failed';
    journal.chosen(backend, 1);
    const outcome = await toBackend(parts, session, backend);
    if (outcome === 'connected') return undefined;
    journal.chosen(backend, -1);
    if (outcome === 'no-port') return 'reset-no-local-port';
    tried.add(backend);
  }
  return 'reset-backend-failed';
}

/** The port is free again, and so is the backend's place. */
export function leave({ sessions, ports, journal }: ReachParts, session: Session): void {
  const { way } = session;
  if (way === undefined) return;
  journal.chosen(way.backend, -1);
  sessions.lead(session, undefined);
  giveBack({ ports, journal }, way);
}

async function toBackend(
  parts: ReachParts,
  session: Session,
  backend: number,
): Promise<'connected' | 'no-port' | 'unreachable'> {
  for (const local of localsFor(parts.maps, session)) {
    const outcome = await fromLocal(parts, session, { backend, local });
    if (outcome !== 'no-port') return outcome;
    parts.journal.ports(local, backend, { failed: 1 });
  }
  return 'no-port';
}

async function fromLocal(
  parts: ReachParts,
  session: Session,
  pair: { readonly backend: number; readonly local: number },
): Promise<'connected' | 'no-port' | 'unreachable'> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const way = setOut(parts, session, pair);
    if (way === undefined) return 'no-port';
    const dialled = await way.outcome;
    if (session.front.destroyed) return abandon(parts, session, way);
    switch (dialled.kind) {
      case 'connected':
        parts.journal.connected(pair.backend);
        return 'connected';
      case 'unreachable':
        parts.journal.trouble(pair.backend, dialled.code);
        return abandon(parts, session, way);
      case 'port-taken':
        abandon(parts, session, way);
        break;
      case 'not-ours':
        abandon(parts, session, way);
        parts.onFault({ local: formatIpv4Address(way.from.address) }, NOT_OURS);
        return 'no-port';
    }
  }
  return 'no-port';
}

type Tried = Way & { readonly outcome: Promise<Dialled> };

function setOut(
  { maps, ports, dial, sessions, journal }: ReachParts,
  session: Session,
  { backend, local }: { readonly backend: number; readonly local: number },
): Tried | undefined {
  const { addr: address, port } = maps.backends.get(backend);
  const from = ports.take(maps.locals.get(local), backend, PORT_TRIES);
  if (from === undefined) return undefined;
  const to = { address, port };
  const { socket, outcome } = dial(to, from, SILENCE_MS);
  const way = { backend, to, local, from, back: socket, outcome };
  sessions.lead(session, way);
  journal.ports(local, backend, { allocated: 1, probes: 1, inUse: 1 });
  return way;
}

function abandon(parts: ReachParts, session: Session, way: Way): 'unreachable' {
  way.back.on('error', () => {});
  way.back.destroy();
  parts.sessions.lead(session, undefined);
  giveBack(parts, way);
  return 'unreachable';
}

function giveBack({ ports, journal }: Pick<ReachParts, 'ports' | 'journal'>, way: Way): void {
  ports.release(way.from, way.backend);
  journal.ports(way.local, way.backend, { inUse: -1 });
}

/** The same client begins with the same local (RFC 7857 section 4). */
function localsFor(maps: ProxyMaps, { pool, client }: Session): number[] {
  const { localsFirst, localsCount } = maps.pools.get(pool);
  const secret = maps.settings.get(0).secret[1] ?? 0n;
  const first = hashAddress(client.address, secret);
  return Array.from(
    { length: Math.min(localsCount, LOCAL_TRIES) },
    (_, i) => localsFirst + ((first + i) % localsCount),
  );
}
