/** The machine that figures are of: figures of two machines are not compared. */

import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export type Machine = {
  cpu: string;
  cores: number;
  kernel: string;
  memoryGiB: number;
  /** Null where it is not shown: in other network namespaces than the first. */
  jit: boolean | null;
};

const JIT = '/proc/sys/net/core/bpf_jit_enable';

export function thisMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    kernel: release(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    jit: existsSync(JIT) ? readFileSync(JIT, 'utf8').trim() !== '0' : null,
  };
}
