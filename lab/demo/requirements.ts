/** What the demo needs from the machine, and what can be run where it is missing. */

import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DAEMONS } from '../daemons.ts';
import { missingFor, thisMachine } from '../requirements.ts';

export type DemoMachine = {
  uid: number;
  /** Bits of CapEff in /proc/self/status. */
  capabilities: bigint;
  hasBpfFileSystem: boolean;
  missingPrograms: readonly string[];
};

const NEEDED = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n, CAP_BPF: 39n } as const;
/** BPF_FS_MAGIC in include/uapi/linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** What is missing, one sentence each; empty when the demo can run. */
export function missingForDemo(machine: DemoMachine): string[] {
  const capabilities = Object.entries(NEEDED)
    .filter(([, bit]) => ((machine.capabilities >> bit) & 1n) === 0n)
    .map(([name]) => name);
  return [
    ...(capabilities.length === 0 || machine.uid !== 0
      ? []
      : [`rights to load BPF and make network namespaces: ${capabilities.join(', ')}`]),
    ...(machine.hasBpfFileSystem
      ? []
      : ['the BPF file system: mount -t bpf bpf /sys/fs/bpf (kernel option CONFIG_BPF_SYSCALL)']),
    ...machine.missingPrograms,
  ];
}

/** For who has none of that: what still works, exactly as it is typed. */
export const INSTEAD: readonly string[] = [
  'engine: proxy             in a configuration: full NAT without rights, docs/guides/without-ebpf.md',
  'cat docs/demo.txt         what the demo prints where it can run',
  'npm run test:fast         the tests that need no network namespaces',
  'npx fullnat probe HOST:PORT --count 5     the probe needs no rights at all',
];

export function demoMachine(): DemoMachine {
  const status = readFileSync('/proc/self/status', 'utf8');
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const lab = thisMachine();
  return {
    uid: lab.uid,
    capabilities,
    hasBpfFileSystem: isBpfFileSystem('/sys/fs/bpf'),
    missingPrograms: [
      ...missingFor(lab),
      ...(lab.hasProgram('tcpdump') ? [] : ['programs: apt-get install tcpdump']),
      ...DAEMONS.map((name) => resolve(import.meta.dirname, `../../datapath/${name}/${name}.bpf.o`))
        .filter((path) => !existsSync(path))
        .map((path) => `the kernel program ${path}: npm run build`),
    ],
  };
}

function isBpfFileSystem(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}
