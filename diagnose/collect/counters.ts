/** The kernel's own TCP and IP counters of a namespace, as nstat names them: `TcpExtListenDrops`. */
import { readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export type Counters = ReadonlyMap<string, bigint>;

/** `self` is the cat inside the namespace; /proc/net of this process is another one. */
export const COUNTER_FILES = ['/proc/self/net/snmp', '/proc/self/net/netstat'];

export function collectCounters(runner: Runner): Promise<Collected<Counters>> {
  return readFrom(runner, ['cat', ...COUNTER_FILES], parseCounters);
}

/** Names in /proc/net/snmp and netstat are cut in two: `Tcp` + `RetransSegs`. */
export function parseCounters(text: string): Counters {
  const counters = new Map<string, bigint>();
  const lines = text.split('\n').filter((line) => line.includes(':'));
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group, ...names] = (lines[i] ?? '').split(/[:\s]+/);
    const values = (lines[i + 1] ?? '').split(/[:\s]+/).slice(1);
    names.forEach((name, column) => {
      const value = values[column];
      if (name !== '' && value !== undefined) counters.set(`${group}${name}`, BigInt(value));
    });
  }
  return counters;
}

/** What changed from `before` to `after`; counters that stood still are left out. */
export function counterChanges(before: Counters, after: Counters): Map<string, bigint> {
  const changes = new Map<string, bigint>();
  for (const [name, value] of after) {
    const change = value - (before.get(name) ?? 0n);
    if (change !== 0n) changes.set(name, change);
  }
  return changes;
}
