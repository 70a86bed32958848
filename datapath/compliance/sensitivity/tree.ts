/** A copy of the built checkout whose kernel programs can be spoilt; nobody's files are touched. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { plant, type Mutation } from './mutation.ts';

export interface Tree {
  readonly root: string;
  /** The tree as it is built. */
  build(): Promise<void>;
  /** Builds it with the bug, runs `work`, and takes the bug out again. */
  spoilt<T>(mutation: Mutation, work: () => Promise<T>): Promise<T>;
  remove(): void;
}

const COPIED = ['datapath', 'dist', 'tools', 'package.json'];

export function copyTree(checkout: string): Tree {
  const root = mkdtempSync(join(tmpdir(), 'fullnat-sensitivity-'));
  for (const name of COPIED)
    cpSync(join(checkout, name), join(root, name), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
  const build = () => buildPrograms(root);
  return {
    root,
    build,
    spoilt: async (mutation, work) => {
      const path = join(root, 'datapath', mutation.file);
      const source = readFileSync(path, 'utf8');
      writeFileSync(path, plant(mutation, source));
      try {
        await build();
        return await work();
      } finally {
        writeFileSync(path, source);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

async function buildPrograms(root: string): Promise<void> {
  await promisify(execFile)('bash', [join(root, 'tools/build.sh'), 'programs']);
}
