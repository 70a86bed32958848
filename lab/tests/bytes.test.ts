/** Every byte arrives as it was sent, whatever the cards at both ends do or leave undone. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { captured, readCapture } from '../capture.ts';
import { badChecksums, countChecksums } from '../checksums.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import { setOffloads, setPathMtu } from '../offloads.ts';
import type { ExchangeResult } from '../tools/exchange.ts';
import { exchangeBytes, startExchangeServer } from '../traffic.ts';
import { down, topologyOf, up } from '../up.ts';
import { ALL_OFF, DEFAULT, PAIRWISE, describeSetting, type Setting } from './settings.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';

const instance = 'u-bytes';
const TARGET = '10.0.23.111:19056';
const MEBIBYTE = 1 << 20;
const RANDOM_MAX_BYTES = 100_000;

type Amount = { bulkBytes: number; exchanges: number };

const MODERATE: Amount = { bulkBytes: 64 * MEBIBYTE, exchanges: 200 };
const FULL: Amount = { bulkBytes: 1024 * MEBIBYTE, exchanges: 2_000 };
const CAPTURED: Amount = { bulkBytes: 2 * MEBIBYTE, exchanges: 50 };

describe('bytes, checksummed at both ends', { skip: reasonToSkip(), timeout: 420_000 }, () => {
  before(() => up({ instance, exchange: true, servers: 1 }));
  after(() => down(instance));

  for (const setting of PAIRWISE) {
    test(`64 MiB each way and 200 exchanges: ${describeSetting(setting)}`, async () => {
      await exchangeUnder(setting, MODERATE);
    });
    test(`checksums at the receiving taps: ${describeSetting(setting)}`, async () => {
      await captureUnder(setting);
    });
  }

  for (const [name, setting] of [
    ['as it is by default', DEFAULT],
    ['everything off', ALL_OFF],
  ] as const) {
    test(`1 GiB each way and 2,000 exchanges: ${name}`, async () => {
      await exchangeUnder(setting, FULL);
    });
  }

  test('nothing was dropped in all that', async () => {
    for (const name of ['balancer', 'agent'] as const)
      assert.deepEqual(await rowsOf(instance, name, 'drops'), [], name);
  });
});

async function exchangeUnder(setting: Setting, amount: Amount): Promise<void> {
  const lab = openLab(instance);
  await apply(lab, setting);
  const { bulk, random } = await transfer(lab, amount);
  const gigabits = ((bulk.upBytes + bulk.downBytes) * 8) / bulk.seconds / 1e9;
  const exchanged = `${random.right} exchanges of ${random.upBytes + random.downBytes} bytes`;
  tell(
    `${describeSetting(setting)}: ${bulk.upBytes / MEBIBYTE} MiB each way at` +
      ` ${gigabits.toFixed(1)} Gbit/s, ${exchanged}`,
  );
}

/**
 * The packets as the ends receive them. A sender may leave a checksum to its card,
 * and merging (GRO) makes such ones again; where nobody does either, every packet
 * is right in tshark's eyes too.
 */
async function captureUnder(setting: Setting): Promise<void> {
  const lab = openLab(instance);
  // tcpdump makes room for merged packets only where the card merges or cuts when it starts.
  await apply(lab, DEFAULT);
  const { files } = await captured(
    instance,
    ['client', 'server'],
    { filter: 'tcp port 9056 or tcp port 19056', direction: 'in' },
    async () => {
      await apply(lab, setting);
      await transfer(lab, CAPTURED);
    },
  );
  for (const [point, file] of files) {
    const [receiver, sender] =
      point === 'client' ? [setting.client, setting.server] : [setting.server, setting.client];
    const { good, left, bad } = countChecksums(readCapture(file));
    assert.deepEqual(bad, [], `wrong checksums at ${point}`);
    assert.ok(good + left > 2 * CAPTURED.exchanges, `${good + left} packets at ${point}`);
    if (!sender.txChecksum && !receiver.gro && !setting.pathGro) {
      assert.equal(left, 0, `checksums are complete at ${point}`);
      assert.deepEqual(await badChecksums(file), [], point);
    }
    tell(`${describeSetting(setting)}: at ${point} ${good} right, ${left} left to the card`);
  }
}

async function transfer(lab: Lab, { bulkBytes, exchanges }: Amount) {
  const server = await startExchangeServer(lab, 'server1');
  const target = TARGET;
  const random = await exchangeBytes(lab, 'client', {
    ...{ target, count: exchanges, parallel: 8, sizes: 'random' },
    ...{ up: RANDOM_MAX_BYTES, down: RANDOM_MAX_BYTES },
  });
  const bulk = await exchangeBytes(lab, 'client', { target, up: bulkBytes, down: bulkBytes });
  assertRight(random, exchanges);
  assertRight(bulk, 1);
  assert.deepEqual([bulk.upBytes, bulk.downBytes], [bulkBytes, bulkBytes]);
  assert.deepEqual((await server.stop()).failures, {});
  return { bulk, random };
}

function assertRight({ right, wrong, failures }: ExchangeResult, count: number): void {
  assert.deepEqual([right, wrong, failures], [count, [], {}]);
}

async function apply(lab: Lab, setting: Setting): Promise<void> {
  await setPathMtu(topologyOf(lab.options), setting.mtuBytes);
  for (const [role, offloads] of [
    ['client', setting.client],
    ['server1', setting.server],
  ] as const) {
    await setOffloads(instance, { role, device: 'eth0' }, offloads);
    await lab.run(role, ['sysctl', '-qw', `net.ipv4.tcp_timestamps=${setting.timestamps ? 1 : 0}`]);
  }
  for (const role of ['balancer', 'host'] as const)
    await lab.run(role, ['ethtool', '-K', 'eth0', 'gro', setting.pathGro ? 'on' : 'off']);
}
