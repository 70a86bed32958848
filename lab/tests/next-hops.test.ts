/** The kernel's routes and neighbours change under live connections: the balancer follows. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BalancerSessionRow, DropRow } from '../../control/api/rows.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import { run } from '../namespaces.ts';
import { waitUntil } from '../process.ts';
import { SERVER_ADDRESSES } from '../topology.ts';
import { startExchangeServer, startHolding } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf } from './machine.ts';

const instance = 'u-hops';
const EXCHANGE_LISTENER = '10.0.23.111:19056';
const ROUTER = '10.0.23.254';
const BALANCER = '10.0.23.1';
const [MOVED_ROUTER_MAC, SILENT_ROUTER_MAC] = ['02:00:00:00:23:fe', '02:00:00:00:23:ff'];
const HELD = 50;
const WAIT_MS = 15_000;

describe('routes and neighbours change', { skip: reasonToSkip(), timeout: 120_000 }, () => {
  let lab: Lab;
  before(async () => {
    await up({ instance, servers: 1, exchange: true });
    lab = openLab(instance);
  });
  after(() => down(instance));

  test('a route is taken away and put back: its packets are dropped meanwhile, no connection is lost', async () => {
    const held = await whileHeld(lab, async () => {
      const before = await dropped('drop-no-route');
      await inBalancer('ip', 'route', 'add', 'blackhole', SERVER_ADDRESSES.server1);
      assert.ok(
        await waitUntil(async () => (await dropped('drop-no-route')) > before, {
          timeoutMs: WAIT_MS,
        }),
        'packets still went by the old route',
      );
      await inBalancer('ip', 'route', 'del', 'blackhole', SERVER_ADDRESSES.server1);
      await forwardedAgain();
    });
    assert.deepEqual([held.opened, held.lost, held.wrongEchoes], [HELD, {}, 0]);
  });

  test("the next hop's link-layer address is another one now: connections go on with it", async () => {
    const held = await whileHeld(lab, async () => {
      const router = lab.namespace('router');
      await run(router, ['ip', 'link', 'set', 'balancer', 'address', MOVED_ROUTER_MAC]);
      const to = ['lladdr', MOVED_ROUTER_MAC, 'dev', 'eth0', 'nud', 'reachable'];
      await inBalancer('ip', 'neigh', 'replace', ROUTER, ...to);
      await forwardedAgain();
    });
    assert.deepEqual([held.opened, held.lost, held.wrongEchoes], [HELD, {}, 0]);
  });

  test('the next hop has another link-layer address and tells nobody: it is asked, and found again', async () => {
    const held = await whileHeld(lab, async () => {
      const [router, forwarding] = [lab.namespace('router'), 'net.ipv4.neigh.eth0.'];
      /* as soon as the kernel allows: 5 s, and three questions a second apart, otherwise */
      await inBalancer('sysctl', '-qw', `${forwarding}delay_first_probe_time=1`);
      await inBalancer('sysctl', '-qw', `${forwarding}retrans_time_ms=100`);
      /* the router asks for nothing itself, which would tell its address */
      await run(router, ['ip', 'neigh', 'change', BALANCER, 'dev', 'balancer', 'nud', 'permanent']);
      await run(router, ['ip', 'link', 'set', 'balancer', 'address', SILENT_ROUTER_MAC]);
      const old = ['lladdr', MOVED_ROUTER_MAC, 'dev', 'eth0', 'nud', 'stale'];
      await inBalancer('ip', 'neigh', 'replace', ROUTER, ...old);
      const isFound = async () =>
        (await inBalancer('ip', 'neigh', 'show', ROUTER)).stdout.includes(SILENT_ROUTER_MAC);
      assert.ok(await waitUntil(isFound, { timeoutMs: WAIT_MS }), 'nobody asked for the router');
      await forwardedAgain();
    });
    assert.deepEqual([held.opened, held.lost, held.wrongEchoes], [HELD, {}, 0]);
  });

  const inBalancer = (...argv: string[]) => run(lab.namespace('balancer'), argv);
});

/** Connections that exchange lines all the time, during `action`. */
async function whileHeld(lab: Lab, action: () => Promise<void>) {
  const server = await startExchangeServer(lab, 'server1');
  const holding = await startHolding(lab, 'client', {
    ...{ target: EXCHANGE_LISTENER, count: HELD, everyMs: 20, stallMs: WAIT_MS, seconds: 60 },
  });
  try {
    await action();
  } finally {
    await holding.stop();
    await server.stop();
  }
  return holding.result;
}

async function dropped(verdict: string): Promise<number> {
  const rows = await rowsOf<DropRow>(instance, 'balancer', 'drops');
  return rows.find(({ name }) => name === verdict)?.packets ?? 0;
}

/** Packets of every held connection have come by since it was called. */
async function forwardedAgain(): Promise<void> {
  const bytes = async () => {
    const rows = await rowsOf<BalancerSessionRow>(instance, 'balancer', 'sessions');
    const live = rows.filter(({ state }) => state === 'established');
    return new Map(live.map(({ client, bytesOut }) => [client, bytesOut]));
  };
  const earlier = await bytes();
  assert.ok(earlier.size >= HELD, `${earlier.size} live sessions`);
  const all = async () => {
    const later = await bytes();
    return [...earlier].every(([client, sent]) => (later.get(client) ?? 0) > sent);
  };
  assert.ok(await waitUntil(all, { timeoutMs: WAIT_MS }), 'some connections stand still');
}
