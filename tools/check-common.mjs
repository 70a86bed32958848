// What the repository's own checks share: which files there are, and how faults are reported.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files with this extension that git tracks or would track, relative to the root. */
export function sourceFiles(extension) {
  const pattern = `*.${extension}`;
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', pattern];
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(ROOT, file)));
}

/** Prints the faults and makes the process fail when there are any. */
export function report(check, faults) {
  for (const fault of faults) console.error(`${check}: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}
