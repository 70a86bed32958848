import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { machineRunner } from './machine-runner.ts';
import { argvAt, parseWhere } from './runner.ts';

for (const [text, kind] of [
  ['here', 'here'],
  ['netns:fn-client', 'netns'],
  ['ssh:root@web1.example.org', 'ssh'],
  ['ssh:web1', 'ssh'],
] as const)
  test(`${text} is a place`, () => {
    const read = parseWhere(text);
    assert.ok(read.ok);
    assert.equal(read.value.kind, kind);
  });

for (const text of [
  '',
  'there',
  'netns:',
  'netns:../../etc',
  'ssh:-oProxyCommand=x',
  'ssh:a b',
  'ssh:$(x)',
])
  test(`\`${text}\` is no place`, () => assert.equal(parseWhere(text).ok, false));

test('over ssh every word reaches the program as it was', () => {
  const where = { kind: 'ssh', destination: 'web1' } as const;
  const words = fc.array(
    fc.string({ maxLength: 20 }).filter((word) => !word.includes('\0')),
    {
      ...{ minLength: 1, maxLength: 5 },
    },
  );
  fc.assert(
    fc.property(words, (given) => {
      const line = argvAt(where, ['printf', String.raw`%s\0`, ...given]).at(-1) ?? '';
      // The far end gives the line to a shell, and so does this.
      const said = execFileSync('sh', ['-c', line]).toString();
      assert.deepEqual(said.split('\0').slice(0, -1), given);
    }),
    { numRuns: 50 },
  );
});

test('a program that is missing, fails or hangs is told apart', async () => {
  const { run } = machineRunner({ kind: 'here' });
  assert.deepEqual(await run(['no-such-program-here']), {
    ok: false,
    why: 'no-such-program-here is not installed',
  });
  const failed = await run(['sh', '-c', 'echo broken >&2; exit 3']);
  assert.deepEqual(failed, { ok: true, code: 3, stdout: '', stderr: 'broken\n' });
  const hung = await run(['sleep', '60'], { timeoutMs: 100 });
  assert.equal(hung.ok, false);
});

test('a program that runs on gives its output and ends when it is told to', async () => {
  const script = 'echo one; echo ready >&2; exec sleep 60';
  const started = machineRunner({ kind: 'here' }).start(['sh', '-c', script]);
  const chunks: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of started.stdout) chunks.push(chunk);
  })();
  await started.said('ready');
  await started.stop();
  await reading;
  assert.equal(Buffer.concat(chunks).toString(), 'one\n');
});

test('one that ends before it is ready says why', async () => {
  const started = machineRunner({ kind: 'here' }).start(['sh', '-c', 'echo no room >&2; exit 1']);
  await assert.rejects(started.said('ready'), /no room/);
});
