/** The real programs stay clear of the verifier's limits; what it prints is understood. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileTrial, lacksBpf, ROOT } from './testdata/compile.ts';
import { isTooNear, measureVerification, readStatistics } from './verifier.ts';

for (const object of ['balancer/balancer', 'agent/agent', 'agent/socket']) {
  const path = join(ROOT, `dist/datapath/${object}.bpf.o`);
  const skip = lacksBpf || (existsSync(path) ? false : `needs ${path} (npm run build)`);
  test(`no program of ${object} is beyond 80 % of a limit of the verifier`, { skip }, async () => {
    const figures = await measureVerification(path);
    assert.ok(figures.every(({ processed, jitedBytes }) => processed > 0 && jitedBytes > 0));
    assert.deepEqual(figures.filter(isTooNear), [], 'npm run bench:verifier shows all');
  });
}

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
