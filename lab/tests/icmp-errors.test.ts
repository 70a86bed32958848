/**
 * ICMP errors through the balancer, with real kernels at both ends: a TTL that ends on the way
 * is heard of, and path MTU discovery works: bulk both ways
 * completes wherever on the way a link is smaller, and each end hears of it from the other.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DropRow } from '../../control/api/rows.ts';
import {
  formatIpv4Address,
  ICMP_TIME_EXCEEDED,
  parseFrame,
  verifyChecksums,
} from '../../packet/index.ts';
import { captured, readCapture } from '../capture.ts';
import { openLab, type Lab } from '../lab.ts';
import { setOffloads, type Offloads } from '../offloads.ts';
import type { Role } from '../topology.ts';
import { exchangeBytes, startExchangeServer } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf } from './machine.ts';

const instance = 'u-path-mtu';
const LISTENER = '10.0.23.111';
const CLIENT = '10.0.88.100';
const SERVER = '10.0.98.79';
const LOCALS = '10.0.124.160/28';
const MTU_BYTES = 1400;
const BULK_BYTES = 2 << 20;

/** A route that is smaller than its link: what a tunnel or another medium makes of it. */
type Narrow = {
  readonly name: string;
  readonly role: Role;
  readonly route: readonly string[];
  readonly verdict: string;
};
const NARROW: readonly Narrow[] = [
  {
    name: 'a router behind the balancer, towards the servers',
    ...{ role: 'router', route: ['10.0.98.0/24', 'dev', 'host'], verdict: 'error-to-client' },
  },
  {
    name: 'a router before the balancer, towards the clients',
    ...{ role: 'router', route: ['10.0.88.0/24', 'dev', 'br0'], verdict: 'error-to-backend' },
  },
  {
    name: 'a router between server and balancer: the agent alone translates',
    ...{ role: 'router', route: [LOCALS, 'via', '10.0.23.1'], verdict: '' },
  },
  {
    name: 'the balancer itself, towards the servers',
    ...{
      role: 'balancer',
      route: ['10.0.98.0/24', 'via', '10.0.23.254'],
      verdict: 'answer-too-big',
    },
  },
  {
    name: 'the balancer itself, towards the clients',
    ...{
      role: 'balancer',
      route: ['10.0.88.0/24', 'via', '10.0.23.254'],
      verdict: 'answer-too-big',
    },
  },
];
const ON: Offloads = { gso: true, gro: true, txChecksum: true };
const OFF: Offloads = { gso: false, gro: false, txChecksum: false };

describe('path MTU discovery', { skip: reasonToSkip(), timeout: 120_000 }, () => {
  before(() => up({ instance, exchange: true, servers: 1 }));
  after(() => down(instance));

  for (const narrow of NARROW)
    for (const [words, offloads] of [
      ['super-packets', ON],
      ['nothing left to the cards', OFF],
    ] as const)
      test(`${narrow.name}: ${MTU_BYTES} bytes, ${words}`, async () => {
        const lab = openLab(instance);
        await prepare(lab, offloads);
        const before = await count(narrow.verdict);
        const widen = await narrowed(lab, narrow);
        try {
          const { files } = await captured(
            instance,
            ['client', 'server'],
            { filter: 'icmp', direction: 'in' },
            () => transfer(lab),
          );
          const errors = [...files.values()].flatMap((file) => errorsIn(file, offloads));
          assert.ok(errors.length > 0, 'an end was told');
          for (const { mtuBytes, about } of errors) {
            assert.equal(mtuBytes, MTU_BYTES);
            assert.ok(KNOWN_TO_ENDS.includes(about), `quotes what its end sent, not ${about}`);
          }
          if (narrow.verdict !== '') assert.ok((await count(narrow.verdict)) > before);
        } finally {
          await widen();
        }
      });
});

describe('a TTL that ends on the way', { skip: reasonToSkip(), timeout: 60_000 }, () => {
  before(() => up({ instance, servers: 1 }));
  after(() => down(instance));

  for (const [ttl, where, verdict] of [
    [2, 'in the balancer', 'answer-ttl'],
    [3, 'in the router behind it', 'error-to-client'],
  ] as const)
    test(`${where}: the client hears it from the address that it called`, async () => {
      const lab = openLab(instance);
      const before = await count(verdict);
      const { files } = await captured(
        instance,
        ['client'],
        { filter: 'icmp', direction: 'in' },
        async () => {
          await lab.run('client', ['sysctl', '-qw', `net.ipv4.ip_default_ttl=${ttl}`]);
          await lab.run('client', ['sh', '-c', `curl -s -m 0.5 http://${LISTENER}:18056/; true`]);
        },
      );
      const frames = readCapture(files.get('client') ?? '').map(({ bytes }) => parseFrame(bytes));
      const heard = frames.flatMap((packet) =>
        packet.ok && packet.value.kind === 'icmp'
          ? [`${formatIpv4Address(packet.value.ipv4.source)} ${packet.value.icmp.type}`]
          : [],
      );
      assert.deepEqual([...new Set(heard)], [`${LISTENER} ${ICMP_TIME_EXCEEDED}`]);
      assert.ok((await count(verdict)) > before);
    });
});

/** From each end to the peer that it knows: the server knows the client, by the agent. */
const KNOWN_TO_ENDS = [`${CLIENT}>${LISTENER}`, `${SERVER}>${CLIENT}`];

/** Forgets what the ends learned before. */
async function prepare(lab: Lab, offloads: Offloads): Promise<void> {
  for (const role of ['client', 'server1'] as const) {
    await setOffloads(instance, { role, device: 'eth0' }, offloads);
    await lab.run(role, ['ip', 'route', 'flush', 'cache']);
  }
}

async function narrowed(lab: Lab, { role, route }: Narrow): Promise<() => Promise<void>> {
  const isOwn = role === 'router' && route.includes('dev');
  const mtu = ['mtu', 'lock', String(MTU_BYTES)];
  await lab.run(role, ['ip', 'route', 'replace', ...route, ...mtu]);
  return async () => {
    if (isOwn || role === 'router') await lab.run(role, ['ip', 'route', 'replace', ...route]);
    else await lab.run(role, ['ip', 'route', 'del', ...route]);
  };
}

async function transfer(lab: Lab): Promise<void> {
  const server = await startExchangeServer(lab, 'server1');
  const result = await exchangeBytes(lab, 'client', {
    ...{ target: `${LISTENER}:19056`, up: BULK_BYTES, down: BULK_BYTES },
  });
  const { right, wrong, failures } = result;
  assert.deepEqual([right, wrong, failures], [1, [], {}]);
  assert.deepEqual((await server.stop()).failures, {});
}

/** The errors that reached an end, their checksums verified. */
function errorsIn(file: string, { txChecksum }: Offloads): { mtuBytes: number; about: string }[] {
  return readCapture(file).flatMap(({ bytes }) => {
    const packet = parseFrame(bytes);
    if (!packet.ok || packet.value.kind !== 'icmp' || packet.value.icmp.kind !== 'error') return [];
    const { quoted, parameter } = packet.value.icmp;
    assert.ok(quoted.ok, 'the quotation can be read');
    // What a card has yet to finish is the checksum inside the quotation, and so the message's.
    const sums = verifyChecksums(bytes);
    if (!txChecksum) assert.deepEqual(sums.ok && sums.value, { ipv4: 'good', transport: 'good' });
    const { source, destination } = quoted.value.ipv4;
    const about = `${formatIpv4Address(source)}>${formatIpv4Address(destination)}`;
    return [{ mtuBytes: parameter & 0xffff, about }];
  });
}

async function count(verdict: string): Promise<number> {
  const rows = await rowsOf<DropRow>(instance, 'balancer', 'drops');
  return rows.find((row) => row.name === verdict)?.packets ?? 0;
}
