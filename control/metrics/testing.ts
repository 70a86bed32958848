/** Prometheus' own checker, for tests. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where tools/setup.sh puts it, when it is not installed. */
const OURS = fileURLToPath(new URL('../../../node_modules/.bin/promtool', import.meta.url));

type Promtool = {
  /** What it says of the input; empty when it finds nothing wrong. */
  readonly check: (words: readonly string[], input?: string) => string;
  /** Why it cannot be asked. */
  readonly skip: string | undefined;
};

export function promtool(): Promtool {
  const program = existsSync(OURS) ? OURS : 'promtool';
  const found = spawnSync(program, ['--version']).status === 0;
  return {
    check: (words, input = '') => {
      const { stdout, stderr, status } = spawnSync(program, words, { input, encoding: 'utf8' });
      return status === 0 && stderr === '' ? '' : `${stdout}${stderr}` || `exit code ${status}`;
    },
    skip: found ? undefined : 'needs promtool: bash tools/setup.sh fetches it',
  };
}
