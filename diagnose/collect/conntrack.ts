/** Connection tracking: how full its table is, and what it refused (per CPU in hexadecimal). */
import { collected, readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export interface Conntrack {
  readonly entries: number;
  readonly most: number;
  /** `insert_failed`, `drop`, `early_drop`, `invalid`, `clashres`, `chainlength` … summed over CPUs. */
  readonly stats: ReadonlyMap<string, bigint>;
}

const SIZE_FILES = [
  '/proc/sys/net/netfilter/nf_conntrack_count',
  '/proc/sys/net/netfilter/nf_conntrack_max',
];
const STAT_FILE = '/proc/self/net/stat/nf_conntrack';

/** Not available where connection tracking is not loaded: then it drops nothing either. */
export async function collectConntrack(runner: Runner): Promise<Collected<Conntrack>> {
  const [sizes, stats] = await Promise.all([
    readFrom(runner, ['cat', ...SIZE_FILES], (text) => text.trim().split('\n').map(Number)),
    readFrom(runner, ['cat', STAT_FILE], parseConntrackStats),
  ]);
  if (!stats.ok) return stats;
  const [entries, most] = sizes.ok ? sizes.value : [0, 0];
  return collected({ entries: entries ?? 0, most: most ?? 0, stats: stats.value });
}

/** The heading names the columns, which differ between kernels. */
export function parseConntrackStats(text: string): ReadonlyMap<string, bigint> {
  const [heading = '', ...rows] = text.trim().split('\n');
  const names = heading.trim().split(/\s+/);
  const sums = new Map<string, bigint>(names.map((name) => [name, 0n]));
  for (const row of rows)
    row
      .trim()
      .split(/\s+/)
      .forEach((value, column) => {
        const name = names[column] ?? '';
        sums.set(name, (sums.get(name) ?? 0n) + BigInt(`0x${value}`));
      });
  return sums;
}
