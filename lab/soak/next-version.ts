/** The version after this one: the same package in another folder, with other kernel programs for the same maps. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export type Installation = { main: string; remove(): void };

const ROOT = resolve(import.meta.dirname, '../../..');
/** A constant of both roles' programs: the kernel sees other code, and people no other behaviour. */
const CHANGED = {
  file: 'datapath/lib/states.h',
  from: /#define HANDSHAKE_DATA_MAX 65536\b/,
  to: '#define HANDSHAKE_DATA_MAX 65000',
};

export function installNextVersion(): Installation {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-next-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const part of ['datapath', 'tools', 'dist', 'package.json'])
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const source = readFileSync(join(folder, CHANGED.file), 'utf8');
    if (!CHANGED.from.test(source)) throw new Error(`${CHANGED.file} has no ${CHANGED.from}`);
    writeFileSync(join(folder, CHANGED.file), source.replace(CHANGED.from, CHANGED.to));
    execFileSync('bash', [join(folder, 'tools/build.sh'), 'programs'], { stdio: 'pipe' });
    return { main: join(folder, 'dist/cli/main.js'), remove };
  } catch (error) {
    remove();
    throw error;
  }
}
