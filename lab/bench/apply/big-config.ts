/** Configurations as large as they are promised to work, and how each differs from the first. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Sizes = { listeners: number; backends: number; prefixes: number };

export function bigConfig(
  folder: string,
  { listeners, backends, prefixes }: Sizes,
): { plain: string; otherWeight: string; listed: string } {
  const each = backends / listeners;
  const lines = Array.from({ length: listeners }, (_, i) => {
    const address = `10.1.${i >> 8}.${i & 255}:443`;
    return `  - { address: ${address}, pool: pool${i} }\n`;
  });
  const pools = Array.from({ length: listeners }, (_, i) => {
    const members = Array.from({ length: each }, (__, j) => {
      const number = i * each + j;
      return `      - { address: 10.2.${number >> 8}.${number & 255}:8080 }\n`;
    });
    return `  - name: pool${i}\n    health: off\n    backends:\n${members.join('')}`;
  });
  const plain =
    'instance: bench\ninterfaces: [lo]\nlocals: [{ addresses: 10.3.0.0/28 }]\n' +
    `sessions: { capacity: 65536, openingMax: 16384 }\nlisteners:\n${lines.join('')}pools:\n${pools.join('')}`;
  const file = join(folder, 'prefixes');
  writeFileSync(
    file,
    Array.from(
      { length: prefixes },
      (_, i) => `172.${i >> 16}.${(i >> 8) & 255}.${i & 255}\n`,
    ).join(''),
  );
  return {
    plain,
    otherWeight: plain.replace('10.2.0.0:8080 }', '10.2.0.0:8080, weight: 5 }'),
    listed: `accessLists: [{ name: bad, denyFile: ${file} }]\n${plain.replace('pool: pool0 }', 'pool: pool0, access: bad }')}`,
  };
}
