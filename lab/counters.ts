/**
 * The kernel's own TCP and IP counters of a namespace, and what happened to them
 * between two readings (as nstat shows them: `TcpExtTCPSynRetrans`).
 */

import { run } from './namespaces.ts';

export type Counters = ReadonlyMap<string, bigint>;

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

export async function readCounters(namespace: string): Promise<Counters> {
  // `self` is the cat inside the namespace; /proc/net of this process is another one.
  const files = ['/proc/self/net/snmp', '/proc/self/net/netstat'];
  return parseCounters((await run(namespace, ['cat', ...files])).stdout);
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

/** Runs `action` and tells what it changed in a namespace. */
export async function countersDuring<T>(
  namespace: string,
  action: () => Promise<T>,
): Promise<{ result: T; changes: Map<string, bigint> }> {
  const before = await readCounters(namespace);
  const result = await action();
  return { result, changes: counterChanges(before, await readCounters(namespace)) };
}
