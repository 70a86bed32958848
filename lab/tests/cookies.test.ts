/** Connections that a SYN cookie opened: every byte arrives, whatever either end can, and the server sees the client. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { DropRow, NoteRow } from '../../control/api/rows.ts';
import { balancerConfig } from '../config.ts';
import { openLab } from '../lab.ts';
import { setOffloads } from '../offloads.ts';
import { labOptions } from '../options.ts';
import { exchangeBytes, openConnections, startExchangeServer } from '../traffic.ts';
import { down, up } from '../up.ts';
import { CLIENT_ADDRESS } from '../topology.ts';
import { reasonToSkip, rowsOf } from './machine.ts';

const WEB = '10.0.23.111:18056';
const EXCHANGE = '10.0.23.111:19056';
const HANDSHAKE = '10.0.23.111:18058';
const REFUSING = '10.0.23.111:18060';
const EACH_WAY_BYTES = 256 << 10;
const PATIENCE_MS = 10_000;

/** One in 25, of what is no SYN. */
const LOSS = `table ip loss {
  chain forward {
    type filter hook forward priority 0;
    tcp flags & (syn | fin | rst) == 0 numgen random mod 25 == 0 drop
  }
}
`;
/** Every second SYN of the balancer's. */
const LOST_SYNS = `table ip loss {
  chain forward {
    type filter hook forward priority 0;
    ip saddr 10.0.124.160/28 tcp flags & (syn | ack) == syn numgen inc mod 2 == 0 drop
  }
}
`;

const TOA_MODES = [
  ['on the SYN', WEB],
  ['on the handshake', HANDSHAKE],
] as const;

type Ability = 'timestamps' | 'sack' | 'window_scaling';
type End = 'client' | 'server1';
const ABILITIES: readonly Ability[] = ['timestamps', 'sack', 'window_scaling'];
const CASES: readonly { readonly name: string; readonly lacks: Partial<Record<End, Ability[]>> }[] =
  [
    { name: 'both ends can everything', lacks: {} },
    ...ABILITIES.flatMap((ability) =>
      (['client', 'server1'] as const).map((end) => ({
        name: `the ${end === 'client' ? 'client' : 'server'} has no ${ability.replace('_', ' ')}`,
        lacks: { [end]: [ability] },
      })),
    ),
    {
      name: 'neither end can anything',
      lacks: { client: [...ABILITIES], server1: [...ABILITIES] },
    },
  ];

describe('SYN cookies', { skip: reasonToSkip(), timeout: 180_000 }, () => {
  const instance = 'u-cookies';
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-cookies-'));
  before(async () => {
    const config = join(folder, 'balancer.yaml');
    writeFileSync(config, protectedConfig(instance));
    await up({ instance, config, exchange: true, servers: 1 });
    await startExchangeServer(openLab(instance), 'server1');
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  for (const [i, { name, lacks }] of CASES.entries()) {
    const gso = i % 2 === 1;
    test(`bytes each way under loss, GSO ${gso ? 'on' : 'off'}: ${name}`, async () => {
      const lab = openLab(instance);
      for (const role of ['client', 'server1'] as const) {
        await setOffloads(instance, { role, device: 'eth0' }, { gso, gro: gso, txChecksum: gso });
        for (const ability of ABILITIES) {
          const value = lacks[role]?.includes(ability) ? 0 : 1;
          await lab.run(role, ['sysctl', '-qw', `net.ipv4.tcp_${ability}=${value}`]);
        }
      }
      const before = await counted('notes', 'cookie-accepted');
      const { right, wrong, failures } = await losing(LOSS, () =>
        exchangeBytes(lab, 'client', {
          target: EXCHANGE,
          up: EACH_WAY_BYTES,
          down: EACH_WAY_BYTES,
        }),
      );
      assert.deepEqual({ right, wrong, failures }, { right: 1, wrong: [], failures: {} });
      assert.equal((await counted('notes', 'cookie-accepted')) - before, 1);
    });
  }

  for (const [name, target] of TOA_MODES)
    test(`the server sees the client's address: TOA ${name}`, () =>
      seesTheClient(instance, target));

  test('a SYN to the backend that was lost goes out again when the client asks', async () => {
    const before = await counted('notes', 'cookie-again');
    const { answered, failures } = await losing(LOST_SYNS, () =>
      openConnections(openLab(instance), 'client', {
        ...{ target: WEB, count: 4, perSecond: 4, timeoutMs: PATIENCE_MS },
      }),
    );
    assert.deepEqual({ answered, failures }, { answered: 4, failures: [] });
    assert.ok((await counted('notes', 'cookie-again')) > before);
  });

  test('a backend that answers RST: so does the client hear', async () => {
    const { failuresByCode } = await openConnections(openLab(instance), 'client', {
      ...{ target: REFUSING, count: 3, timeoutMs: PATIENCE_MS },
    });
    assert.deepEqual(failuresByCode, { ECONNRESET: 3 });
  });

  async function losing<T>(rules: string, work: () => Promise<T>): Promise<T> {
    const lab = openLab(instance);
    await lab.run('router', ['nft', '-f', '-'], { input: rules });
    try {
      return await work();
    } finally {
      await lab.run('router', ['nft', 'delete', 'table', 'ip', 'loss']);
    }
  }

  async function counted(resource: 'drops' | 'notes', name: string): Promise<number> {
    const rows = await rowsOf<DropRow | NoteRow>(instance, 'balancer', resource);
    const row = rows.find((one) => one.name === name);
    if (row === undefined) return 0;
    return 'packets' in row ? row.packets : row.count;
  }
});

describe(
  'SYN cookies, and an agent in socket mode',
  { skip: reasonToSkip(), timeout: 60_000 },
  () => {
    const instance = 'u-cookies-socket';
    const folder = mkdtempSync(join(tmpdir(), 'fullnat-cookies-'));
    before(async () => {
      const config = join(folder, 'balancer.yaml');
      writeFileSync(config, protectedConfig(instance));
      await up({ instance, config, exchange: true, servers: 1, agentMode: 'socket' });
    });
    after(async () => {
      await down(instance);
      rmSync(folder, { recursive: true });
    });

    for (const [name, target] of TOA_MODES)
      test(`accept() says who the client is: TOA ${name}`, () => seesTheClient(instance, target));
  },
);

/** Of 20 connections each. */
async function seesTheClient(instance: string, target: string): Promise<void> {
  const { answered, wrongAnswers, failures } = await openConnections(openLab(instance), 'client', {
    ...{ target, local: CLIENT_ADDRESS, count: 20, perSecond: 100, expect: 'peer' },
  });
  assert.deepEqual(
    { answered, wrongAnswers, failures },
    { answered: 20, wrongAnswers: [], failures: [] },
  );
}

function protectedConfig(instance: string): string {
  const config = parse(balancerConfig(labOptions({ instance, servers: 1, exchange: true }))) as {
    listeners: object[];
    pools: object[];
  };
  config.pools.push({ name: 'refusing', health: 'off', backends: [{ address: '10.0.98.79:9' }] });
  config.listeners.push(
    { address: HANDSHAKE, pool: 'web', toa: 'handshake' },
    { address: REFUSING, pool: 'refusing' },
  );
  for (const listener of config.listeners) Object.assign(listener, { synProtection: 'always' });
  return stringify(config);
}
