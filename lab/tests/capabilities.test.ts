/** Both daemons with no more rights than their systemd units give them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { listPins } from '../../datapath/binding/pins.ts';
import { DAEMONS, daemonStatus, startDaemon } from '../daemons.ts';
import { openLab } from '../lab.ts';
import { configFile, type DaemonName } from '../paths.ts';
import { waitUntil } from '../process.ts';
import { missingFor, thisMachine } from '../requirements.ts';
import { openConnections } from '../traffic.ts';
import { down, up } from '../up.ts';

const instance = 't-caps';
const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const LISTENER = '10.0.23.111:18056';
const COUNT = 60;
/** As CapabilityBoundingSet= in deploy/systemd, by their numbers in linux/capability.h. */
const CAPABILITIES = { net_admin: 12, perfmon: 38, bpf: 39 } as const;
const UNDER = [
  'setpriv',
  `--bounding-set=-all,${Object.keys(CAPABILITIES)
    .map((name) => `+${name}`)
    .join()}`,
  '--no-new-privs',
];
const MASK = Object.values(CAPABILITIES).reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
const missing = missingFor(thisMachine());
const skip = missing.length === 0 ? false : `needs ${missing.join(', ')}`;

describe('daemons with three capabilities', { skip, timeout: 120_000 }, () => {
  before(async () => {
    await up({ instance });
    for (const name of DAEMONS) await end(name, 'SIGTERM');
    const lab = openLab(instance);
    // The first says that the other is still there.
    for (const role of ['balancer', 'host'] as const)
      await lab
        .run(role, [process.execPath, MAIN, 'detach', '--instance', instance])
        .catch(() => {});
    for (const name of DAEMONS) assert.deepEqual(listPins(instance, name), [], name);
  });
  after(() => down(instance));

  // The first loads what is not there, the second takes over what the first has left.
  for (const how of ['load, attach and serve', 'take over and serve'])
    test(`they ${how}`, async () => {
      for (const name of DAEMONS) {
        const pid = await startDaemon(instance, name, configFile(instance, name), MAIN, UNDER);
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '';
        assert.equal(BigInt(`0x${effective}`), MASK, name);
      }
      const { answered, failures, wrongAnswers } = await openConnections(
        openLab(instance),
        'client',
        { target: LISTENER, count: COUNT, perSecond: 100, expect: 'peer' },
      );
      assert.deepEqual([answered, failures, wrongAnswers], [COUNT, [], []]);
      for (const name of DAEMONS) await end(name, 'SIGKILL');
    });
});

async function end(name: DaemonName, signal: NodeJS.Signals): Promise<void> {
  const { pid } = await daemonStatus(instance, name);
  assert.ok(pid !== undefined, name);
  process.kill(pid, signal);
  const isGone = async () => (await daemonStatus(instance, name)).pid === undefined;
  assert.ok(await waitUntil(isGone, { timeoutMs: 20_000 }), `${name} has ended`);
}
