/** Error messages as people read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BpfError, callFailed, type BpfFailure } from './errors.ts';

const CALLS: readonly [errno: number, code: BpfFailure['code'], message: RegExp][] = [
  [1, 'BPF_NOT_PERMITTED', /^not permitted to pin map x; run as root, or with CAP_BPF/],
  [13, 'BPF_NOT_PERMITTED', /^not permitted to pin map x/],
  [2, 'BPF_NOT_FOUND', /^cannot pin map x: there is no such thing; is the daemon/],
  [19, 'BPF_NOT_FOUND', /^cannot pin map x/],
  [17, 'BPF_EXISTS', /^cannot pin map x: it exists already$/],
  [16, 'BPF_BUSY', /^cannot pin map x: it is in use; try again/],
  [12, 'BPF_OUT_OF_MEMORY', /no memory to pin map x; lower sessions.capacity/],
  [22, 'BPF_CALL_FAILED', /^cannot pin map x: EINVAL; libbpf said:\n {2}hint$/],
];
for (const [errno, code, message] of CALLS)
  test(`errno ${errno} is ${code}`, () => {
    const error = callFailed('pin', 'map x', errno, ['hint']);
    assert.ok(error instanceof BpfError && error.name === 'BpfError');
    assert.equal(error.code, code);
    assert.equal(error.failure.code, code);
    assert.match(error.message, message);
  });

test('of a long log the last lines are shown and all are kept', () => {
  const log = Array.from({ length: 40 }, (_, i) => `line ${i}`);
  const error = new BpfError({ code: 'BPF_VERIFIER_REJECTED', object: 'balancer.bpf.o', log });
  assert.match(error.message, /Last lines of its log:\n {2}line 28\n/);
  assert.match(error.message, /line 39$/);
  assert.ok(error.failure.code === 'BPF_VERIFIER_REJECTED' && error.failure.log.length === 40);
});

test('a full map names the setting to raise', () => {
  const full = (map: string) => new BpfError({ code: 'BPF_MAP_FULL', map, capacity: 7 }).message;
  assert.equal(
    full('sessions'),
    'map sessions is full at 7 entries; raise its capacity (sessions.capacity)',
  );
  assert.equal(full('listeners'), 'map listeners is full at 7 entries; raise its capacity');
});
