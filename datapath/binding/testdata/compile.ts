/** For tests: compiles C for BPF into a directory that ends with the process, and says when it cannot. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: this file is in dist/datapath/binding/testdata. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
export const DATAPATH = join(ROOT, 'datapath');
const SOURCES = join(DATAPATH, 'binding/testdata');

/** False, or what is missing here to compile. */
export const lacksClang: string | false =
  spawnSync('clang', ['--version']).status === 0 ? false : 'needs clang (apt-get install clang)';

/** False, or what is missing here to load programs. */
export const lacksBpf: string | false =
  lacksClang || (process.getuid?.() === 0 ? hasBpffs() : 'needs root');

let directory: string | undefined;

/** Compiles a file of testdata; returns the object's path. */
export function compileTrial(name: 'trial' | 'rejected'): string {
  return compileText(name, readFileSync(join(SOURCES, `${name}.bpf.c`), 'utf8'));
}

export function compileText(name: string, source: string): string {
  if (directory === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'fullnat-binding-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    directory = made;
  }
  const [input, output] = [join(directory, `${name}.bpf.c`), join(directory, `${name}.bpf.o`)];
  writeFileSync(input, source);
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim();
  const flags = ['-O2', '-g', '-Wall', '-Werror', '-target', 'bpf', '-mcpu=v3', '-I', DATAPATH];
  execFileSync('clang', [
    ...flags,
    '-I',
    `/usr/include/${machine}-linux-gnu`,
    '-c',
    input,
    '-o',
    output,
  ]);
  return output;
}

function hasBpffs(): string | false {
  try {
    statfsSync('/sys/fs/bpf');
    return false;
  } catch {
    return 'needs /sys/fs/bpf (a kernel with CONFIG_BPF_SYSCALL)';
  }
}
