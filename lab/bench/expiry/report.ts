/** The figures of expiry as people read them. */

import { figure, percent, table } from '../table.ts';
import type { ExpiryFigures } from './expiry.ts';

export function expiryReport({ sweeps, lookups, listings, quietStopMs }: ExpiryFigures): string {
  return `Expiry: one kernel timer over all slots
${table(
  ['SESSIONS', 'OF A CORE', 'PASSES/S', 'NS/SLOT', 'STEP, µs', 'LATE, s: MIN', 'MEDIAN', 'MAX'],
  sweeps.map(({ sessions, idle, lateSeconds }) => [
    ...[figure(sessions), `${figure(idle.coreShare * 100, 3)} %`],
    ...[figure(idle.passesPerSecond, 2), figure(idle.nanosecondsPerSlot, 2)],
    figure(idle.stepMicroseconds),
    ...[lateSeconds.min, lateSeconds.median, lateSeconds.max].map((late) => figure(late, 2)),
  ]),
)}
All sessions due at once
${table(
  ['SESSIONS', 'GONE AFTER, s', 'NS/SESSION', 'STEP, µs'],
  sweeps.map(({ mass }) => [
    ...[figure(mass.expired), figure(mass.seconds, 2), figure(mass.nanosecondsPerSession)],
    figure(mass.stepMicroseconds),
  ]),
)}
A packet of a known session up to its route (${growth(lookups)} from the smallest to the largest table)
${table(
  ['SESSIONS', 'NS/PACKET'],
  lookups.map(({ sessions, nanosecondsPerPacket }) => [
    figure(sessions),
    figure(nanosecondsPerPacket),
  ]),
)}
get sessions (a timer beside it is late by ${figure(quietStopMs, 1)} ms at most when nobody asks)
${table(
  ['QUERY', 'SESSIONS', 'MATCH', 'ROWS', 's: MEDIAN', 'MAX', 'LOOP STOPS, ms: MAX'],
  listings.map(({ query, sessions, total, rows, seconds, longestStopMs }) => [
    ...[query, figure(sessions), figure(total), figure(rows)],
    ...[figure(seconds.median, 2), figure(seconds.max, 2), figure(longestStopMs, 1)],
  ]),
)}`;
}

function growth(lookups: ExpiryFigures['lookups']): string {
  const first = lookups.at(0)?.nanosecondsPerPacket ?? NaN;
  const last = lookups.at(-1)?.nanosecondsPerPacket ?? NaN;
  return `+${percent(last / first - 1)}`;
}
