/** The cases that hold without daemons, on a lab of their own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openLab } from '../lab.ts';
import { down, up } from '../up.ts';
import { CASES } from './index.ts';

const instance = 'labcases';
const WITHOUT_DAEMONS = new Set(['direct', 'direct-source-port', 'untouched']);
const skip = process.getuid?.() === 0 ? false : 'needs root';

test('cases have names of their own, and a sentence each', () => {
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
  for (const { name, sentence } of CASES) {
    assert.match(name, /^[a-z0-9-]+$/);
    assert.match(sentence, /^[A-Z].*\.$/);
  }
});

describe('without daemons', { skip, timeout: 120_000 }, () => {
  before(() => up({ instance, daemons: false }));
  after(() => down(instance));

  for (const labCase of CASES) {
    test(labCase.sentence, async () => {
      const result = await labCase.run(openLab(instance));
      const expected = WITHOUT_DAEMONS.has(labCase.name) ? 'holds' : 'not-here';
      assert.equal(result.kind, expected, JSON.stringify(result));
    });
  }

  test('a middlebox that changes a byte is noticed', async () => {
    const lab = openLab(instance);
    const table =
      'add table bridge t; add chain bridge t f { type filter hook forward priority 0; };' +
      'add rule bridge t f ip protocol udp ip dscp set 1';
    await lab.run('host', ['nft', table]);
    const result = await CASES.find(({ name }) => name === 'untouched')?.run(lab);
    await lab.run('host', ['nft', 'delete table bridge t']);
    assert.equal(result?.kind, 'fails');
  });

  test('a middlebox that changes the source port is noticed', async () => {
    const lab = openLab(instance);
    const table =
      'add table ip t; add chain ip t p { type nat hook postrouting priority 100; };' +
      'add rule ip t p tcp dport 8056 masquerade to :40000-50000';
    await lab.run('router', ['nft', table]);
    const result = await CASES.find(({ name }) => name === 'direct-source-port')?.run(lab);
    await lab.run('router', ['nft', 'delete table ip t']);
    assert.equal(result?.kind, 'fails');
  });
});
