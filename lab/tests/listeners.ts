/** A lab's generated balancer configuration with more listeners for the pool `web`. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { balancerConfig } from '../config.ts';
import { type LabOptions, labOptions } from '../options.ts';
import { down, up } from '../up.ts';

export type ExtraListener = { address: string; name: string; toa?: 'off' | 'syn' | 'handshake' };

/** Builds a lab whose pool `web` is also reached by `extra`. */
export async function upWithListeners(
  chosen: Partial<LabOptions>,
  extra: readonly ExtraListener[],
): Promise<void> {
  const config = parse(balancerConfig(labOptions(chosen))) as { listeners: object[] };
  config.listeners.push(...extra.map((listener) => ({ ...listener, pool: 'web' })));
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-listeners-'));
  const file = join(folder, 'balancer.yaml');
  try {
    writeFileSync(file, stringify(config));
    // A lab left by a run that was cut off has another file's name in it.
    await down(labOptions(chosen).instance);
    await up({ ...chosen, config: file });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
