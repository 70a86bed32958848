/** The lab with its daemons: what the cases say holds, and a restart is survived and noticed. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OWN_CASES } from './cases/index.ts';
import { balancerConfig } from './config.ts';
import { DAEMONS, daemonStatus, startDaemon } from './daemons.ts';
import { openLab } from './lab.ts';
import { listNamespaces, processesIn } from './namespaces.ts';
import { labOptions } from './options.ts';
import { configFile, pinFolder, runFolder } from './paths.ts';
import { status } from './status.ts';
import {
  exchangeBytes,
  openConnections,
  startExchangeServer,
  startHolding,
  startOpening,
} from './traffic.ts';
import { down, up } from './up.ts';

const instance = 'labdaemons';
const VIRTUAL = '10.0.23.111:18056';
const VIRTUAL_EXCHANGE = '10.0.23.111:19056';
const skip = reasonToSkip();

describe('the lab with daemons', { skip, timeout: 120_000 }, () => {
  before(() => up({ instance, exchange: true, servers: 1 }));
  after(() => down(instance));

  test('it is whole', async () => {
    const { whole, daemons } = await status(instance);
    assert.deepEqual(
      daemons.map(({ name, answers }) => [name, answers]),
      [
        ['balancer', true],
        ['agent', true],
      ],
    );
    assert.equal(whole, true);
  });

  for (const labCase of OWN_CASES) {
    test(labCase.sentence, async () => {
      const result = await labCase.run(openLab(instance));
      // The generated configuration has one listener for each pool.
      const expected = labCase.name === 'two-listeners' ? 'not-here' : 'holds';
      assert.equal(result.kind, expected, JSON.stringify(result));
    });
  }

  test('bytes are right through balancer and agent', async () => {
    const lab = openLab(instance);
    const server = await startExchangeServer(lab, 'server1');
    const result = await exchangeBytes(lab, 'client', {
      ...{ target: VIRTUAL_EXCHANGE, count: 50, parallel: 4, sizes: 'random' },
      ...{ up: 100_000, down: 100_000 },
    });
    await server.stop();
    assert.deepEqual([result.right, result.wrong, result.failures], [50, [], {}]);
  });

  test('both daemons are killed and started again: nothing is lost, slow or refused', async () => {
    const lab = openLab(instance);
    const server = await startExchangeServer(lab, 'server1');
    const held = await startHolding(lab, 'client', {
      ...{ target: VIRTUAL_EXCHANGE, count: 50, seconds: 60 },
    });
    const opening = startOpening(lab, 'client2', {
      ...{ target: VIRTUAL, count: 100_000, perSecond: 50, expect: 'address' },
    });
    for (const name of DAEMONS) {
      const { pid } = await daemonStatus(instance, name);
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGKILL');
    }
    await new Promise((done) => setTimeout(done, 500));
    assert.equal((await status(instance)).whole, false);
    for (const name of DAEMONS) await startDaemon(instance, name, configFile(instance, name));
    assert.equal((await status(instance)).whole, true);

    const [kept, opened] = await Promise.all([held.stop(), opening.stop()]);
    await server.stop();
    assert.deepEqual(
      [kept.opened, kept.lost, kept.stalls, kept.wrongEchoes, kept.refused],
      [50, {}, 0, 0, {}],
    );
    assert.ok(opened.attempted > 25, `${opened.attempted}`);
    assert.deepEqual([opened.failures, opened.slow, opened.wrongAnswers], [[], 0, []]);
  });

  test('down leaves no daemon and no pin', async () => {
    const pids = processesIn(listNamespaces(instance));
    assert.ok(existsSync(pinFolder(instance)), 'programs and maps were pinned');
    await down(instance);
    assert.deepEqual(
      pids.filter((pid) => existsSync(`/proc/${pid}/exe`)),
      [],
    );
    assert.ok(!existsSync(pinFolder(instance)));
    assert.ok(!existsSync(runFolder(instance)));
  });

  test('a configuration of your own is used, whatever instance it names', async () => {
    const file = join(folder, 'mine.yaml');
    const options = labOptions({ instance, servers: 1 });
    const text = balancerConfig(options).replace(':18056', ':18057');
    writeFileSync(file, text.replace(`instance: ${instance}`, 'instance: another'));
    assert.match(readFileSync(file, 'utf8'), /instance: another/);
    await up({ instance, servers: 1, config: file });
    const lab = openLab(instance);
    const answered = async (port: number) =>
      (await openConnections(lab, 'client', { target: `10.0.23.111:${port}` })).answered;
    assert.deepEqual([await answered(18057), await answered(18056)], [1, 0]);
  });

  test('a daemon that cannot start: its own words, and nothing left', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'lissteners: []\n');
    await assert.rejects(up({ instance, config: file }), /balancer ended at once.*lissteners/s);
    assert.deepEqual(listNamespaces(instance), []);
    assert.ok(!existsSync(runFolder(instance)));
  });
});

const folder = mkdtempSync(join(tmpdir(), 'fullnat-lab-'));
after(() => rmSync(folder, { recursive: true }));

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const objects = DAEMONS.map((name) =>
    resolve(import.meta.dirname, `../datapath/${name}/${name}.bpf.o`),
  );
  const missing = objects.filter((path) => !existsSync(path));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}: npm run build`;
}
