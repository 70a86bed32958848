/** What happened to the kernel's TCP and IP counters of a namespace between two readings. */

import {
  COUNTER_FILES,
  counterChanges,
  parseCounters,
  type Counters,
} from '../diagnose/collect/counters.ts';
import { run } from './namespaces.ts';

export async function readCounters(namespace: string): Promise<Counters> {
  return parseCounters((await run(namespace, ['cat', ...COUNTER_FILES])).stdout);
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
