/** Limits that concern several values at once. */
import { rangeSize } from '../../../packet/address-range.ts';
import { TABLE_ENTRIES_MAX } from '../../schedule/weighted-round-robin.ts';
import type { BalancerConfig } from '../balancer.ts';
import type { SessionLimits } from '../common.ts';
import { formatDurationMs } from '../duration.ts';
import type { Problem } from '../problem.ts';
import type { Check } from './check.ts';

// Indices of listeners, backends and locals have 16 bits in the kernel's tables.
const INDICES_MAX = 65_535;
// With 64,512 ports each that is 264 million connections to each backend: no session table holds more.
const LOCALS_MAX = 4_096;

export const openingWithinCapacity: Check<{ readonly sessions: SessionLimits }> = (
  { sessions: { capacity, openingMax } },
  { isGiven, isWhole },
) => {
  if (openingMax <= capacity || !isWhole(['sessions', 'capacity'])) return [];
  const path = ['sessions', isGiven(['sessions', 'openingMax']) ? 'openingMax' : 'capacity'];
  return [
    {
      path,
      message: `sessions.openingMax (${openingMax}) must not exceed sessions.capacity (${capacity})`,
    },
  ];
};

export const tooMany: Check<BalancerConfig> = ({ locals, listeners, pools }) => {
  const problems: Problem[] = [];
  const limit = (path: Problem['path'], what: string, count: number, most: number) => {
    if (count > most)
      problems.push({ path, message: `too many ${what}: ${count}; at most ${most} are possible` });
  };
  const addresses = locals.reduce((sum, range) => sum + rangeSize(range.addresses), 0);
  limit(['locals'], 'local addresses', addresses, LOCALS_MAX);
  limit(['listeners'], 'listeners', listeners.length, INDICES_MAX);
  limit(
    ['pools'],
    'backends',
    pools.reduce((sum, { backends }) => sum + backends.length, 0),
    INDICES_MAX,
  );
  pools.forEach(({ name, backends }, i) =>
    limit(
      ['pools', i, 'backends'],
      `backends in pool '${name}'`,
      backends.length,
      TABLE_ENTRIES_MAX,
    ),
  );
  return problems;
};

/** The most is a bound of what grows from the other. */
export const healthMosts: Check<BalancerConfig> = ({ pools }, { isGiven, isWhole }) =>
  pools.flatMap(({ health }, i): Problem[] => {
    if (health.kind === 'off') return [];
    const path = ['pools', i, 'health'];
    const { intervalMs, backOff, flapping } = health;
    const rows = [
      {
        most: ['backOff', 'most'],
        mostMs: backOff.mostMs,
        least: ['interval'],
        leastMs: intervalMs,
      },
      {
        ...{ most: ['flapping', 'most'], mostMs: flapping.mostMs },
        ...{ least: ['flapping', 'hold'], leastMs: flapping.holdMs },
      },
    ];
    return rows
      .filter(({ most, mostMs, least, leastMs }) => {
        const areWhole = [most, least].every((key) => isWhole([...path, ...key]));
        return mostMs < leastMs && areWhole;
      })
      .map(({ most, mostMs, least, leastMs }) => ({
        path: [...path, ...(isGiven([...path, ...most]) ? most : least)],
        message:
          `health.${most.join('.')} (${formatDurationMs(mostMs)}) must not be shorter ` +
          `than health.${least.join('.')} (${formatDurationMs(leastMs)})`,
      }));
  });

/** A check that outlasts the interval would overtake itself. */
export const healthInOrder: Check<BalancerConfig> = ({ pools }, { isGiven, isWhole }) =>
  pools.flatMap(({ health }, i): Problem[] => {
    if (health.kind === 'off' || health.timeoutMs <= health.intervalMs) return [];
    const path = ['pools', i, 'health'];
    if (!isWhole([...path, 'timeout']) || !isWhole([...path, 'interval'])) return [];
    const given = isGiven([...path, 'timeout']) ? 'timeout' : 'interval';
    return [
      {
        path: [...path, given],
        message:
          `health.timeout (${formatDurationMs(health.timeoutMs)}) must not be longer ` +
          `than health.interval (${formatDurationMs(health.intervalMs)})`,
      },
    ];
  });

/** What only a hash has. */
export const hashKeys: Check<BalancerConfig> = ({ pools }, { isGiven, isWhole }) =>
  pools.flatMap(({ scheduler }, i) =>
    scheduler.kind === 'source-hash' || scheduler.kind === 'maglev'
      ? []
      : (['hashOn', 'hashSeed'] as const)
          .map((key) => ({ key, path: ['pools', i, key] }))
          .filter(({ path }) => isGiven(path) && isWhole(['pools', i, 'scheduler']))
          .map(({ key, path }) => ({
            path,
            message: `${key} is for the schedulers source-hash and maglev; this pool has ${scheduler.kind}`,
          })),
  );
