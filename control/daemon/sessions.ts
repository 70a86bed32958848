/** The list behind `get sessions`: filtered, limited, with the counters of those shown. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { formatEndpoint } from '../../packet/address.ts';
import {
  sessionSlot,
  SLOT_ADOPTED,
  SLOT_REMAPPED,
  SLOT_SHIFTED,
  type Flow4,
  type SessionSlot,
} from '../../datapath/binding/contract.ts';
import { closedBy, secondsSince, stateOf, ticksNow } from '../../datapath/binding/sessions.ts';
import type { Listing } from '../api/route.ts';
import { textReader } from '../api/query.ts';
import type { SessionCounters, SessionFlag } from '../api/rows.ts';
import { LIMIT_DEFAULT, type SessionQuery } from './session-query.ts';
import type { SlotFilter } from './slot-filter.ts';
import { findSlots, type SlotMaps } from './slots.ts';

/** Made without a pause: some 0.5 ms, with the counters of each read. */
const ROWS_AT_ONCE = 32;

/** `a.b.c.d` or `a.b.c.d:port`, as a prefix of which part of a row's text it must equal. */
export const endpointReader = textReader<string>(
  (text) =>
    /^\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?$/.test(text)
      ? { ok: true, value: text }
      : { ok: false, reason: 'malformed', message: `'${text}' is not an address, or address:port` },
  'only rows with this address, or address:port',
);

type SessionMaps = SlotMaps & {
  readonly sessions: { get(key: Flow4): { packets: number; bytes: number } | undefined };
};

/**
 * `limit` of the sessions that match are shown, and `next` says where to go on. All that match are
 * counted for the first page; a later one ends with the first session that is not on it.
 */
export async function listSessions(
  maps: SessionMaps,
  { limit = LIMIT_DEFAULT, continue: from }: Pick<SessionQuery, 'limit' | 'continue'>,
  filter: SlotFilter,
  toRow: (slot: SessionSlot) => object,
): Promise<Listing> {
  const now = ticksNow();
  const rows: object[] = [];
  let total = 0;
  let next: string | undefined;
  for await (const { first, slots, at } of findSlots(maps, filter, from)) {
    total += at.length;
    const shown = at.slice(0, limit - rows.length);
    for (const [i, here] of shown.entries()) {
      const slot = sessionSlot.read(slots, here);
      rows.push({ ...toRow(slot), ...lifeOf(slot, now), ...countersOf(maps, slot) });
      if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await yieldToLoop();
    }
    const unshown = at[shown.length];
    if (unshown === undefined) continue;
    next ??= String(first + unshown / sessionSlot.bytes);
    if (from !== undefined) break;
  }
  return {
    rows,
    ...(from === undefined ? { total } : {}),
    ...(next === undefined ? {} : { next }),
  };
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
    ['shifted', (slot.flags & SLOT_SHIFTED) !== 0],
  ];
  return flags.filter(([, isSet]) => isSet).map(([flag]) => flag);
}

/** Zeros when the session ended a moment ago. */
function countersOf(
  { sessions }: Pick<SessionMaps, 'sessions'>,
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
