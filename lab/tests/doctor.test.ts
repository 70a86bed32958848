/** `fullnat doctor` on real machines: a lab as it should be, then broken, then mended by its own words. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../control/doctor/finding.ts';
import { openLab } from '../lab.ts';
import { configFile } from '../paths.ts';
import { waitUntil } from '../process.ts';
import type { Role } from '../topology.ts';
import { down, up } from '../up.ts';
import { reasonToSkip } from './machine.ts';
import { lacksCgroups } from './socket-agent.ts';

const instance = 't-doctor';
const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const SOMETHING_FAILS = 10;
const MASQUERADE = `table ip guest {
  chain post { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
}`;
/** Somebody without any right. */
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

describe('fullnat doctor', { skip: reasonToSkip() || lacksCgroups, timeout: 120_000 }, () => {
  before(() => up({ instance, servers: 1, agentMode: 'socket' }));
  after(() => down(instance));

  test('a balancer and a host as they should be: nothing fails', async () => {
    for (const role of ['balancer', 'host'] as const) {
      const { code, findings } = await doctor(role, configOf(role));
      assert.deepEqual(
        findings.filter(({ state }) => state === 'fail'),
        [],
      );
      assert.equal(code, 0);
      const checks = new Set(findings.map(({ check }) => check));
      assert.ok(checks.has('kernel programs') && checks.has('masquerading'), [...checks].join());
    }
  });

  test('a balancer that is broken four ways: each is told, and what it says to do helps', async () => {
    const lab = openLab(instance);
    await lab.run('balancer', ['sysctl', '-qw', 'net.ipv4.conf.eth0.forwarding=0']);
    await lab.run('balancer', ['ip', 'route', 'del', 'default']);
    await lab.run('balancer', ['nft', '-f', '-'], { input: MASQUERADE });
    const listener = lab.spawn('balancer', [
      ...[process.execPath, '-e', "require('net').createServer().listen(18056, '10.0.23.111')"],
    ]);
    await waitUntil(
      async () => (await lab.run('balancer', ['ss', '-Hltn'])).stdout.includes(':18056'),
      { timeoutMs: 5_000 },
    );
    const broken = await doctor('balancer', configOf('balancer'));
    const told = new Map(
      broken.findings.filter(({ state }) => state !== 'ok').map((one) => [one.check, one]),
    );
    assert.deepEqual(
      ['forwarding', 'routes to backends', 'backends', 'masquerading', 'port shadowing'].map(
        (check) => told.get(check)?.state,
      ),
      ['fail', 'fail', 'fail', 'warn', 'warn'],
      JSON.stringify(broken.findings, undefined, 1),
    );
    assert.equal(broken.code, SOMETHING_FAILS);

    listener.kill();
    await once(listener, 'exit');
    await lab.run('balancer', ['nft', 'delete', 'table', 'ip', 'guest']);
    for (const check of ['forwarding', 'routes to backends'])
      await lab.run('balancer', [
        ...['sh', '-c', (told.get(check)?.mend ?? '').replace('GATEWAY', '10.0.23.254')],
      ]);
    const mended = await doctor('balancer', configOf('balancer'));
    assert.deepEqual(
      mended.findings.filter(({ state }) => state !== 'ok'),
      [],
    );
    await lab.run('balancer', ['ip', 'route', 'add', 'default', 'via', '10.0.23.254']);
  });

  test('a host with a guest: packet mode is for it', async () => {
    const lab = openLab(instance);
    await lab.run('host', ['ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap']);
    const { findings } = await doctor('host', configOf('host'));
    const mode = findings.find(({ check }) => check === 'mode');
    assert.equal(mode?.state, 'warn');
    assert.match(mode.found, /guests behind tap0 .* `mode: packet`/);
    await lab.run('host', ['ip', 'link', 'del', 'tap0']);
  });

  test('without root: what could not be seen is said, and nothing of it fails', async () => {
    const { code, findings } = await doctor('client', [], AS_NOBODY);
    assert.equal(code, 0);
    const unseen = findings.filter(({ found }) => found.startsWith('not seen'));
    assert.ok(unseen.length >= 2, JSON.stringify(findings, undefined, 1));
    for (const { mend } of unseen) assert.equal(mend, 'sudo fullnat doctor');
  });

  const configOf = (role: 'balancer' | 'host') => [
    configFile(instance, role === 'host' ? 'agent' : 'balancer'),
  ];

  async function doctor(role: Role, files: readonly string[], as: readonly string[] = []) {
    const argv = [...as, process.execPath, MAIN, 'doctor', '--instance', instance, '-o', 'json'];
    const { code, stdout } = await openLab(instance).run(role, [...argv, ...files], {
      accept: [SOMETHING_FAILS],
    });
    return { code, findings: JSON.parse(stdout) as Finding[] };
  }
});
