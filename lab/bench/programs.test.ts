import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programIdIn, runsBetween } from './programs.ts';

test('nanoseconds are of the runs in between', () => {
  const before = { runCount: 100n, runNanoseconds: 99_000n };
  const after = { runCount: 300n, runNanoseconds: 139_000n };
  assert.deepEqual(runsBetween(before, after), { packets: 200, nanosecondsPerPacket: 200 });
  assert.deepEqual(runsBetween(after, after), { packets: 0, nanosecondsPerPacket: 0 });
});

test('the program is found behind the lines that tc prints for the priority alone', () => {
  const filters = [
    { protocol: 'all', pref: 49152, kind: 'bpf', chain: 0 },
    {
      ...{ protocol: 'all', pref: 49152, kind: 'bpf', chain: 0 },
      options: {
        handle: '0x1',
        bpf_name: 'balancer_ingress',
        prog: { id: 84, tag: 'a', jited: 1 },
      },
    },
  ];
  assert.equal(programIdIn(JSON.stringify(filters)), 84);
  assert.equal(programIdIn('[]'), undefined);
});
