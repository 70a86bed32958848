/** Connections whose numbers are moved, over a path that loses packets: every byte arrives. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { BalancerSessionRow } from '../../control/api/rows.ts';
import { balancerConfig } from '../config.ts';
import { countersDuring } from '../counters.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { waitUntil } from '../process.ts';
import { exchangeBytes, startExchangeServer } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';

const instance = 'u-shifts';
const TARGET = '10.0.23.111:19056';
const MEBIBYTE = 1 << 20;
/** A port rests for a second before it is given away, from the last packet: a lost ACK is sent again. */
const REST_SECONDS = 1.1;
const REST_TIMEOUT_MS = 10_000;
/** Whose clock or sequence is behind is chance: one in two. */
const TRIES_MAX = 16;

const LOSS = `table ip loss {
  chain forward {
    type filter hook forward priority 0;
    tcp flags & (syn | fin | rst) == 0 numgen random mod 25 == 0 drop
  }
}
`;

describe('shifted connections under loss', { skip: reasonToSkip(), timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-shifts-'));
  before(async () => {
    const config = join(folder, 'balancer.yaml');
    writeFileSync(config, onePort());
    await up({ instance, config, exchange: true, servers: 1 });
    const lab = openLab(instance);
    await startExchangeServer(lab, 'server1');
    await lab.run('router', ['nft', '-f', '-'], { input: LOSS });
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  for (const timestamps of [1, 0])
    test(`8 MiB each way, moved in ${timestamps ? 'time' : 'sequence'}`, async () => {
      const lab = openLab(instance);
      for (const role of ['client', 'client2'] as const)
        await lab.run(role, ['sysctl', '-qw', `net.ipv4.tcp_timestamps=${timestamps}`]);
      for (let i = 0; i < TRIES_MAX; i += 1) {
        const role = i % 2 ? 'client' : 'client2';
        const { result, changes } = await countersDuring(lab.namespace(role), () =>
          exchangeBytes(lab, role, { target: TARGET, up: 8 * MEBIBYTE, down: 8 * MEBIBYTE }),
        );
        assert.deepEqual([result.right, result.wrong, result.failures], [1, [], {}]);
        const [session] = await rowsOf<BalancerSessionRow>(instance, 'balancer', 'sessions');
        assert.ok(await waitUntil(hasRested, { timeoutMs: REST_TIMEOUT_MS, everyMs: 50 }));
        if (!session?.flags.includes('shifted')) continue;
        const again = changes.get('TcpRetransSegs') ?? 0n;
        const sacked = changes.get('TcpExtTCPSackRecovery') ?? 0n;
        tell(`${again} segments sent again by the client, ${sacked} recoveries by SACK`);
        if (again > 0n && sacked > 0n) return;
      }
      assert.fail(`no shifted connection with a loss in ${TRIES_MAX}`);
    });
});

async function hasRested(): Promise<boolean> {
  const [session] = await rowsOf<BalancerSessionRow>(instance, 'balancer', 'sessions');
  return session?.state === 'time-wait' && session.idleSeconds >= REST_SECONDS;
}

function onePort(): string {
  const config = parse(
    balancerConfig(labOptions({ instance, servers: 1, exchange: true })),
  ) as object;
  return stringify({ ...config, locals: [{ addresses: '10.0.124.161', ports: '20000-20000' }] });
}
