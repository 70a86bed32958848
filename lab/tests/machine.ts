/** What lab tests need of the machine, and what they ask a lab's daemons. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DAEMONS, getRows } from '../daemons.ts';
import type { DaemonName } from '../paths.ts';
import { socketFile } from '../paths.ts';

/** Why tests with daemons cannot run here; false when they can. */
export function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = DAEMONS.map((name) =>
    resolve(import.meta.dirname, `../../datapath/${name}/${name}.bpf.o`),
  ).filter((path) => !existsSync(path));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}: npm run build`;
}

/** The rows of a resource: `rowsOf<ListenerRow>(instance, 'balancer', 'listeners')`. */
export async function rowsOf<Row>(
  instance: string,
  daemon: DaemonName,
  resource: string,
): Promise<Row[]> {
  const rows = await getRows(socketFile(instance, daemon), resource);
  assert.ok(Array.isArray(rows), `${daemon} did not answer ${resource}`);
  return rows as Row[];
}

/** A figure that was measured, for whoever reads the run. */
export function tell(line: string): void {
  console.log(`    ${line}`);
}
