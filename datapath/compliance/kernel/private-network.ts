/**
 * Importing this file puts the process into a network namespace of its own, and on one CPU.
 *
 * A test-run asks the kernel for routes in the namespace of the thread that calls
 * it. Node cannot change its own, so the file that imports this one first is run
 * again below `unshare --net`, with the same output and the same exit code: a test
 * runner sees no difference. One CPU, because a pool's place in its schedule is per CPU.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INSIDE = 'FULLNAT_PRIVATE_NETWORK';
/** The checkout: this file is in dist/datapath/compliance/kernel. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** False, or what is missing here to run the kernel's programs. */
export const skip: string | false = whatIsMissing();

if (skip === false && process.env[INSIDE] === undefined) {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(
    'unshare',
    ['--net', 'taskset', '--cpu-list', `${someCpu()}`, ...again],
    {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE]: '1' },
    },
  );
  process.exit(status ?? 1);
}

export function objectPath(role: 'balancer' | 'agent'): string {
  return join(ROOT, `dist/datapath/${role}/${role}.bpf.o`);
}

function whatIsMissing(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const role of ['balancer', 'agent'] as const)
    if (!existsSync(objectPath(role))) return `needs ${objectPath(role)} (npm run build)`;
  return false;
}

/** One of those that this process may use; not the same one for every process. */
function someCpu(): number {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const cpus = (list?.[1] ?? '0').split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return cpus[process.pid % cpus.length] ?? 0;
}
