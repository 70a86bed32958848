/** What is read in a thread is what is read here, also when it comes in many pieces. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { thisMachine } from './machine.ts';
import { ConfigError } from './problem.ts';
import { readAside } from './read-aside.ts';
import { agentConfigOf, balancerConfigOf } from './read.ts';
import { AGENT, BALANCER } from './samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'fullnat-aside-'));
after(() => rmSync(folder, { recursive: true }));

/** The machine that it is checked against is this one, which has no eth0 perhaps. */
const here = (text: string) => text.replace('[eth0]', '[lo]').replaceAll(/vnet\d/g, 'lo');

test('a balancer with more pools and ranges than one piece has', async () => {
  const denyFile = join(folder, 'deny');
  writeFileSync(
    denyFile,
    Array.from({ length: 12_000 }, (_, i) => `10.${i >> 8}.${i & 255}.9`).join('\n'),
  );
  const pools = Array.from(
    { length: 250 },
    (_, i) => `  - { name: p${i}, backends: [{ address: 10.0.98.79:${i + 1} }] }\n`,
  );
  const lists = `accessLists: [{ name: bad, denyFile: ${denyFile} }, { name: ours, allow: [10.0.0.0/8] }]\n`;
  const text = `${lists}${here(BALANCER)}${pools.join('')}`;
  const read = await readAside({ role: 'balancer', text, file: 'lb.yaml' });
  assert.deepEqual(read, balancerConfigOf(text, 'lb.yaml', thisMachine));
});

test('an agent, as a whole', async () => {
  const text = here(AGENT).replace('  - { name: lo, facing: server }\n', '');
  assert.deepEqual(
    await readAside({ role: 'agent', text, file: 'a.yaml' }),
    agentConfigOf(text, 'a.yaml', thisMachine),
  );
});

test('what is wrong is told with its place', async () => {
  const text = here(BALANCER).replace('weight: 3', 'weight: x');
  await assert.rejects(readAside({ role: 'balancer', text, file: 'lb.yaml' }), (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /^lb\.yaml:\d+:\d+: .*weight/);
    return true;
  });
});
