/** A collision that is none of ours: nftables restores client addresses, and refuses a tuple that is taken. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { nftBalancer, nftRestorer } from './faults/means.ts';
import { openLab } from './lab.ts';
import { withClient } from './scripted.ts';
import { reasonToSkip } from './tests/machine.ts';
import { CLIENT_ADDRESS, namespaceName, SERVER_ADDRESSES, SERVER_PORT } from './topology.ts';
import { openConnections } from './traffic.ts';
import { down, up } from './up.ts';

const instance = 'tr-nft';
const MAIN = resolve(import.meta.dirname, '../cli/main.js');
const LISTENER = '10.0.23.111:18056';
const SERVER = `${SERVER_ADDRESSES.server1}:${SERVER_PORT}`;
const PORT = 20_500;
const skip = reasonToSkip();

before(async () => {
  if (skip !== false) return;
  await up({ instance, servers: 1, daemons: false });
});
after(async () => {
  if (skip === false) await down(instance);
});

test(
  'a live trace names the hop, the owner, and that addresses are restored',
  { skip },
  async () => {
    const lab = openLab(instance);
    await nftBalancer(lab);
    await nftRestorer(lab, 'router', { low: 20_000, high: 20_999 });
    const at = (['client', 'balancer', 'server1'] as const).flatMap((role) => [
      ...['--at', `${role}=netns:${namespaceName(instance, role)}/eth0`],
    ]);
    const child = spawn(
      process.execPath,
      [MAIN, 'trace', '--live', LISTENER, '--backend', SERVER, ...at, '--until-failure', '--json'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    const closed = once(child, 'close');
    await new Promise<void>((capturing) =>
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
        if (stderr.includes('capturing for')) capturing();
      }),
    );
    const common = { local: CLIENT_ADDRESS, timeoutMs: 2_500 };
    await openConnections(lab, 'client', {
      ...common,
      target: LISTENER,
      ports: '20100-20103',
      count: 4,
    });
    await withClient(lab, 'client', async (client) => {
      const direct = await client.connect(SERVER, PORT);
      assert.ok(direct.ok && (await direct.connection.ask()) !== '');
      const ports = `${PORT}-${PORT}`;
      await openConnections(lab, 'client', { ...common, target: LISTENER, ports, count: 1 });
    });
    await closed;
    const { conversations } = JSON.parse(stdout) as {
      conversations: {
        client: string;
        lostBetween: string[];
        findings: { code: string; evidence: { restoration?: string; owner?: { kind: string } } }[];
      }[];
    };
    const failed = conversations.find(({ client }) => client === `${CLIENT_ADDRESS}:${PORT}`);
    assert.deepEqual(failed?.lostBetween, ['balancer', 'server1'], stdout + stderr);
    const collision = failed.findings.find(({ code }) => code === 'collision');
    assert.equal(collision?.evidence.restoration, 'observed', stdout);
    assert.equal(collision.evidence.owner?.kind, 'direct');
    // The kernel drops what it cannot translate, and says so.
    assert.ok(
      failed.findings.some(({ code }) => code === 'dropped-by-kernel'),
      stdout,
    );
  },
);
