/** The demo from end to end in a pipe: what it prints as facts, and that nothing of it is left. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingForDemo } from '../demo/requirements.ts';
import { listNamespaces } from '../namespaces.ts';
import { pinFolder, runFolder } from '../paths.ts';
import { runProgram, startProgram } from '../process.ts';
import { down } from '../up.ts';
import { reasonToSkip } from './machine.ts';

const instance = 'u-demo';
const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const COMMAND = [process.execPath, MAIN, 'lab', 'demo', '--once', '--instance', instance];
const TOLD_WITHIN_MS = 40_000;

describe('the demo', { skip: reasonToSkip(), timeout: 120_000 }, () => {
  after(() => down(instance));

  test('tells the story in a pipe, with the facts of the report, and leaves nothing', async () => {
    const start = performance.now();
    const { code, stdout } = await runProgram(COMMAND, { accept: 'any' });
    const durationMs = performance.now() - start;
    assert.equal(code, 0, stdout);
    assert.ok(durationMs < TOLD_WITHIN_MS, `${durationMs} ms`);
    // oxlint-disable-next-line no-control-regex -- colours and cursor movements are what is looked for
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f]/);
    assert.ok(stdout.split('\n').every((line) => line.length <= 120));

    const [, one = '', drop = '', remap = '', load = ''] = stdout.split(/^(?=\d  )/m);
    const local = /^ +host-nic +\S+ (10\.0\.124\.161\.\d+) > 10\.0\.98\.79\.8056:/m;
    const client = /toa (10\.0\.88\.100:\d+)>/.exec(one)?.[1];
    assert.match(one, local);
    assert.ok(client !== undefined && one.includes(`server1 ${client}`), one);

    assert.deepEqual(
      [...drop.matchAll(/(open|filtered)\D+ 10\.0\.88\.100:(\d+) /g)].map(([, state, port]) => [
        port,
        state,
      ]),
      ['21519', '21520', '21521', '21522', '21523'].map((port) => [
        port,
        port === '21521' ? 'filtered' : 'open',
      ]),
    );
    assert.match(drop, /open +10\.0\.88\.101:21521/);
    assert.match(drop, /action: dropped/);
    assert.doesNotMatch(drop, /host-vnic.*21521 > 10\.0\.98\.79/);

    assert.match(remap, /open +10\.0\.88\.100:21521/);
    assert.match(remap, /owner: 10\.0\.88\.100:21521 -> 10\.0\.98\.79:8056/);
    assert.match(remap, /subject: 10\.0\.124\.161:\d+ -> 10\.0\.98\.79:8056/);
    const visible = /visiblePort: (\d+)/.exec(remap)?.[1];
    assert.ok(remap.includes(`server1 10.0.88.100:${visible}`), remap);

    const failed = (policy: string) =>
      Number(new RegExp(`${policy} +\\d+ +(\\d+) `).exec(load)?.[1]);
    assert.ok(failed('drop') > 0, load);
    assert.equal(failed('remap'), 0);
    assert.deepEqual(leftovers(), []);
  });

  // In building, in a capture, in the probe, at the beginning of the load and within it.
  for (const afterMs of [0, 1_500, 3_200, 7_200, 10_700]) {
    test(`Ctrl-C ${afterMs} ms after its first word: exit code 130, nothing left`, async () => {
      const child = startProgram(COMMAND, { stdio: ['ignore', 'ignore', 'pipe'] });
      assert.ok(child.stderr !== null);
      await once(child.stderr, 'data');
      child.stderr.resume();
      const ended = new Promise((done) => child.once('exit', (code) => done(code)));
      await sleep(afterMs);
      child.kill('SIGINT');
      assert.equal(await ended, 130);
      assert.deepEqual(leftovers(), []);
    });
  }
});

const machine = { uid: 0, capabilities: ~0n, hasBpfFileSystem: true, missingPrograms: [] };
const rows: { name: string; lacks: object; says: RegExp[] }[] = [
  { name: 'a whole machine', lacks: {}, says: [] },
  { name: 'no BPF', lacks: { capabilities: ~(1n << 39n) }, says: [/CAP_BPF$/] },
  { name: 'no bpffs', lacks: { hasBpfFileSystem: false }, says: [/mount -t bpf/] },
  {
    name: 'an ordinary user is told about root only',
    lacks: { uid: 1000, capabilities: 0n, missingPrograms: ['root: use sudo'] },
    says: [/^root/],
  },
];
for (const { name, lacks, says } of rows) {
  test(`what the demo lacks: ${name}`, () => {
    const missing = missingForDemo({ ...machine, ...lacks });
    assert.equal(missing.length, says.length, missing.join());
    says.forEach((words, i) => assert.match(missing[i] ?? '', words));
  });
}

function leftovers(): string[] {
  return [
    ...listNamespaces(instance),
    ...[runFolder(instance), pinFolder(instance)].filter((path) => existsSync(path)),
  ];
}
