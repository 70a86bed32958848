/** What the lab needs from the machine, checked before anything is touched. */

import { accessSync, constants } from 'node:fs';
import { LabError } from './process.ts';

/** Programs the lab calls, with the Debian package that has each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  sysctl: 'procps',
  nginx: 'nginx-light',
  curl: 'curl',
};

const FOLDERS = (process.env['PATH'] ?? '').split(':').concat('/usr/sbin', '/sbin');

export type Machine = { uid: number; hasProgram: (name: string) => boolean };

/** What is missing, one sentence each; empty when the lab can be built. */
export function missingFor(machine: Machine): string[] {
  const packages = Object.entries(PROGRAMS)
    .filter(([program]) => !machine.hasProgram(program))
    .map(([, debianPackage]) => debianPackage);
  return [
    ...(machine.uid === 0
      ? []
      : ['root: network namespaces and BPF need it; run the same command with sudo']),
    ...(packages.length === 0 ? [] : [`programs: apt-get install ${packages.join(' ')}`]),
  ];
}

export function checkMachine(machine: Machine = thisMachine()): void {
  const missing = missingFor(machine);
  if (missing.length > 0) {
    throw new LabError('LAB_NOT_PERMITTED', `the lab needs ${missing.join('\nthe lab needs ')}`);
  }
}

export function thisMachine(): Machine {
  return {
    uid: process.getuid?.() ?? 0,
    hasProgram: (name) => FOLDERS.some((folder) => isExecutable(`${folder}/${name}`)),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
