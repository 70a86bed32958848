/** What the verifier prints is understood, and why it refuses is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTrial, lacksBpf } from './testdata/compile.ts';
import { measureVerification, readStatistics } from './verifier.ts';

test('a program that is refused is refused with the reason', { skip: lacksBpf }, async () => {
  const refused = measureVerification(compileTrial('rejected'));
  await assert.rejects(refused, { code: 'BPF_VERIFIER_REJECTED', message: /invalid/ });
});

test('the statistics of this and of older kernels are read alike', () => {
  const stack = 'verification time 97 usec\nstack depth 400+80+48\n';
  const work = 'processed 42 insns (limit 1000000) max_states_per_insn 1';
  const wanted = { stackDepths: [400, 80, 48], processed: 42, totalStates: 7, peakStates: 5 };
  assert.deepEqual(
    readStatistics(`${stack}${work} total_states 7 peak_states 5 mark_read 3\n`),
    wanted,
  );
  assert.throws(() => readStatistics('stack depth 8\n'), /statistics in another way/);
});
