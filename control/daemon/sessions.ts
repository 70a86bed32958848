/** The list behind `get sessions`: filtered, limited, with the counters of those shown. */
import { formatEndpoint } from '../../packet/address.ts';
import {
  SESSION_STATE,
  SLOT_ADOPTED,
  SLOT_REMAPPED,
  type Flow4,
  type SessionSlot,
  type SessionState,
} from '../../datapath/binding/contract.ts';
import type { CommonMaps } from '../../datapath/binding/object-maps.ts';
import { closedBy, secondsSince, stateOf, ticksNow } from '../../datapath/binding/sessions.ts';
import type { Listing } from '../api/app.ts';
import { oneOf, wholeNumber, type Reader } from '../api/query.ts';
import type { SessionCounters, SessionFlag } from '../api/rows.ts';
import { sessionsIn } from './slots.ts';

export const LIMIT_DEFAULT = 1_000;
const LIMIT_MOST = 1_000_000;
const SHOWN_STATES = (Object.keys(SESSION_STATE) as SessionState[]).filter(
  (state) => state !== 'free' && state !== 'dead',
);

export const limitReader = wholeNumber(1, LIMIT_MOST);
export const stateReader = oneOf(SHOWN_STATES);

/** `a.b.c.d` or `a.b.c.d:port`, as a prefix of which part of a row's text it must equal. */
export const endpointReader: Reader<string> = (text) =>
  /^\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, reason: 'malformed', message: `'${text}' is not an address, or address:port` };

export type SessionQuery = { limit?: number; state?: SessionState };

/** All that match are counted, `limit` of them are shown. */
export async function listSessions(
  maps: Pick<CommonMaps, 'sessionSlots' | 'sweep' | 'sessions'>,
  { limit = LIMIT_DEFAULT, state }: SessionQuery,
  isWanted: (slot: SessionSlot) => boolean,
  toRow: (slot: SessionSlot) => object,
): Promise<Listing> {
  const now = ticksNow();
  const rows: object[] = [];
  let total = 0;
  for await (const slots of sessionsIn(maps))
    for (const slot of slots) {
      if ((state !== undefined && stateOf(slot) !== state) || !isWanted(slot)) continue;
      total += 1;
      if (rows.length < limit)
        rows.push({ ...toRow(slot), ...lifeOf(slot, now), ...countersOf(maps, slot) });
    }
  return { rows, total };
}

export function matches(wanted: string | undefined, endpoint: string): boolean {
  return wanted === undefined || wanted === endpoint || endpoint.startsWith(`${wanted}:`);
}

export function sourceOf({ sourceAddr, sourcePort }: Flow4): string {
  return formatEndpoint({ address: sourceAddr, port: sourcePort });
}

export function destinationOf({ destinationAddr, destinationPort }: Flow4): string {
  return formatEndpoint({ address: destinationAddr, port: destinationPort });
}

function lifeOf(slot: SessionSlot, now: number) {
  return {
    state: stateOf(slot),
    kind: slot.kind,
    idleSeconds: rounded(secondsSince(slot.seen, now)),
    ageSeconds: rounded(secondsSince(slot.created, now)),
    flags: flagsOf(slot),
  };
}

function flagsOf(slot: SessionSlot): SessionFlag[] {
  const { front, back } = closedBy(slot);
  const flags: [SessionFlag, boolean][] = [
    ['client-closed', front],
    ['server-closed', back],
    ['remapped', (slot.flags & SLOT_REMAPPED) !== 0],
    ['adopted', (slot.flags & SLOT_ADOPTED) !== 0],
  ];
  return flags.filter(([, isSet]) => isSet).map(([flag]) => flag);
}

/** Zeros when the session ended a moment ago. */
function countersOf(
  { sessions }: Pick<CommonMaps, 'sessions'>,
  slot: SessionSlot,
): SessionCounters {
  const [front, back] = [sessions.get(slot.front), sessions.get(slot.back)];
  return {
    packetsIn: front?.packets ?? 0,
    bytesIn: front?.bytes ?? 0,
    packetsOut: back?.packets ?? 0,
    bytesOut: back?.bytes ?? 0,
  };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
