import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingFor } from './requirements.ts';

const machineRows: { name: string; uid: number; lacks: string[]; expect: string[] }[] = [
  { name: 'root with everything', uid: 0, lacks: [], expect: [] },
  {
    name: 'not root',
    uid: 1000,
    lacks: [],
    expect: ['root: network namespaces and BPF need it; run the same command with sudo'],
  },
  {
    name: 'programs are named by their packages',
    uid: 0,
    lacks: ['nginx', 'nsenter'],
    expect: ['programs: apt-get install util-linux nginx-light'],
  },
];
for (const { name, uid, lacks, expect } of machineRows) {
  test(name, () => {
    const hasProgram = (program: string) => !lacks.includes(program);
    assert.deepEqual(missingFor({ uid, hasProgram }), expect);
  });
}
