/** The machine that figures are of: figures of two machines are not compared. */

import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export type Machine = {
  cpu: string;
  cores: number;
  kernel: string;
  memoryGiB: number;
  jit: boolean;
};

export function thisMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    kernel: release(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    jit: readFileSync('/proc/sys/net/core/bpf_jit_enable', 'utf8').trim() !== '0',
  };
}
