/** What expiry costs with tables of several sizes, and how late a session ends. */

import { setTimeout as sleep } from 'node:timers/promises';
import { TICK_SHIFT, TICKS_MODULO } from '../../../datapath/binding/contract.ts';
import { ticksFromSeconds, ticksNow } from '../../../datapath/binding/sessions.ts';
import { waitUntil } from '../../process.ts';
import { summary, type Summary } from '../statistics.ts';
import { measureListing, measureQuiet, type ListingFigure } from './listing.ts';
import { measureLookups } from './lookups.ts';
import { openTable, setTimeouts, type SessionTable } from './table.ts';

export type ExpiryFigure = {
  sessions: number;
  idle: SweepCost;
  /** Seconds from the end of a session's timeout to its end. */
  lateSeconds: Summary;
  /** All sessions are due at once. */
  mass: {
    expired: number;
    seconds: number;
    nanosecondsPerSession: number;
    /** How long a step full of sessions to end keeps a core's packets waiting. */
    stepMicroseconds: number;
  };
};

export type LookupFigure = { sessions: number; nanosecondsPerPacket: number };

export type ExpiryFigures = {
  sweeps: ExpiryFigure[];
  lookups: LookupFigure[];
  /** Of the largest table. */
  listings: ListingFigure[];
  /** The longest that a timer was late while nobody asked for sessions. */
  quietStopMs: number;
};

/** Of the sweeper over sessions none of which is due. */
export type SweepCost = {
  coreShare: number;
  passesPerSecond: number;
  nanosecondsPerSlot: number;
  /** How long the sweeper keeps a core's packets waiting, on average. */
  stepMicroseconds: number;
};

export type ExpiryOptions = { signal: AbortSignal; say: (line: string) => void };

const SIZES = [10_000, 100_000, 1_000_000, 2_000_000];
/** Whose entries stay in the CPU's caches: what lookups in large tables are compared with. */
const SMALL = 1_000;
const IDLE_SECONDS = 2;
const WATCHED = 2_000;
/** Due times of watched sessions are spread over this: more than a pass takes. */
const SPREAD_SECONDS = 2;
const TIMEOUT_TICKS = ticksFromSeconds(900);
/** Sessions fall due no earlier than this after the table is filled. */
const HEAD_START_SECONDS = 0.5;
/** One that ends too early is seen, too. */
const EARLIEST_LOOK_TICKS = ticksFromSeconds(0.5);
/** Several times what the sweeper may need: it ends 100,000 sessions a second. */
const GIVE_UP_SECONDS = 80;
const NANOSECONDS_PER_TICK = 2 ** TICK_SHIFT;
/** As sweep.h has them: slots of a step, and the most sessions that it ends. */
const STEP_ENDS_MAX = 2_048;
const STEPS_PER_PASS = 50;
const STEP_SLOTS_MIN = 64;

export async function measureExpiry({ signal, say }: ExpiryOptions): Promise<ExpiryFigures> {
  const figures: ExpiryFigures = { sweeps: [], lookups: [], listings: [], quietStopMs: 0 };
  await withTable(SMALL, async (table) => void figures.lookups.push(lookup(table)));
  for (const sessions of SIZES) {
    signal.throwIfAborted();
    await withTable(sessions, async (table) => {
      figures.lookups.push(lookup(table));
      const idle = await measureIdle(table, signal);
      if (sessions === Math.max(...SIZES)) {
        figures.quietStopMs = await measureQuiet();
        figures.listings = await measureListing(table);
      }
      const lateSeconds = summary(await watchExpiry(table, signal));
      figures.sweeps.push({ sessions, idle, lateSeconds, mass: await endAll(table) });
    });
    say(`expiry  ${sessions} sessions done`);
  }
  return figures;
}

async function withTable(sessions: number, use: (table: SessionTable) => Promise<void>) {
  const now = ticksNow();
  const table = await openTable({ sessions, timeoutTicks: TIMEOUT_TICKS, seenTicks: () => now });
  try {
    await use(table);
  } finally {
    table.object.close();
  }
}

function lookup(table: SessionTable): LookupFigure {
  return { sessions: table.sessions, nanosecondsPerPacket: measureLookups(table) };
}

async function measureIdle({ maps, sessions }: SessionTable, signal: AbortSignal) {
  const before = maps.sweep.get(0).stats;
  const started = performance.now();
  await sleep(IDLE_SECONDS * 1_000, undefined, { signal });
  const after = maps.sweep.get(0).stats;
  const seconds = (performance.now() - started) / 1_000;
  const nanoseconds = after.nanoseconds - before.nanoseconds;
  const slots = (after.passes - before.passes) * sessions + after.cursor - before.cursor;
  return {
    coreShare: nanoseconds / 1e9 / seconds,
    passesPerSecond: slots / sessions / seconds,
    nanosecondsPerSlot: nanoseconds / slots,
    stepMicroseconds: ((nanoseconds / slots) * stepSlots(sessions)) / 1e3,
  };
}

/** Moves some sessions' last packet back, so that they fall due one after another; how late each ended. */
async function watchExpiry(
  { maps, sessions }: SessionTable,
  signal: AbortSignal,
): Promise<number[]> {
  const firstDue = ticksNow() + ticksFromSeconds(HEAD_START_SECONDS);
  const spreadTicks = ticksFromSeconds(SPREAD_SECONDS);
  // Due times in order, slots all over the table.
  let pending = Array.from({ length: WATCHED }, (_, i) => ({
    index: Math.floor(((i * 7_919) % WATCHED) * (sessions / WATCHED)),
    due: firstDue + Math.floor((i * spreadTicks) / WATCHED),
  }));
  for (const { index, due } of pending) {
    const seen = (due - TIMEOUT_TICKS + TICKS_MODULO) % TICKS_MODULO;
    maps.sessionSlots.set(index, { ...maps.sessionSlots.get(index), seen });
  }
  const late: number[] = [];
  while (pending.length > 0) {
    signal.throwIfAborted();
    const now = ticksNow();
    const stillThere = pending.filter(({ index, due }) => {
      if (now < due - EARLIEST_LOOK_TICKS || maps.sessionSlots.get(index).word !== 0) return true;
      late.push(((ticksNow() - due) * NANOSECONDS_PER_TICK) / 1e9);
      return false;
    });
    pending = stillThere;
    if (now > firstDue + spreadTicks + ticksFromSeconds(GIVE_UP_SECONDS))
      throw new Error(`${pending.length} sessions did not end within ${GIVE_UP_SECONDS} s`);
    await sleep(2);
  }
  return late;
}

async function endAll(table: SessionTable): Promise<ExpiryFigure['mass']> {
  const { maps, sessions } = table;
  const before = maps.sweep.get(0).stats;
  const started = performance.now();
  setTimeouts(table, 0);
  const ended = await waitUntil(() => maps.sweep.get(0).stats.live === 0, {
    timeoutMs: GIVE_UP_SECONDS * 1_000,
    everyMs: 2,
  });
  const seconds = (performance.now() - started) / 1_000;
  const after = maps.sweep.get(0).stats;
  if (!ended) throw new Error(`${after.live} sessions did not end within ${GIVE_UP_SECONDS} s`);
  const all = (expired: readonly number[]) => expired.reduce((sum, count) => sum + count, 0);
  const expired = all(after.expired) - all(before.expired);
  const nanosecondsPerSession = (after.nanoseconds - before.nanoseconds) / expired;
  const ends = Math.min(stepSlots(sessions), STEP_ENDS_MAX);
  const stepMicroseconds = (nanosecondsPerSession * ends) / 1e3;
  return { expired, seconds, nanosecondsPerSession, stepMicroseconds };
}

const stepSlots = (sessions: number) =>
  Math.max(STEP_SLOTS_MIN, Math.floor(sessions / STEPS_PER_PASS) + 1);
