/** Socket mode over time: its daemon ends, it takes over from packet mode, it is removed. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { AgentSessionRow, InfoRow, ListenerRow } from '../../control/api/rows.ts';
import { detachEverything } from '../../control/daemon/detach.ts';
import { listPins } from '../../datapath/binding/pins.ts';
import { nop } from '../../packet/tcp-options.ts';
import { notes, toaNotDelivered } from '../answers.ts';
import { COLLISION_CASES } from '../cases/collision/index.ts';
import { agentConfig } from '../config.ts';
import { startDaemon } from '../daemons.ts';
import { openLab, type Lab } from '../lab.ts';
import { setOffloads } from '../offloads.ts';
import { labOptions, type AgentMode } from '../options.ts';
import { configFile } from '../paths.ts';
import { CLIENT_ADDRESS, SERVER_ADDRESSES } from '../topology.ts';
import { openConnections, startExchangeServer, startHolding, startOpening } from '../traffic.ts';
import { waitUntil } from '../process.ts';
import { down, up } from '../up.ts';
import { upWithListeners } from './listeners.ts';
import { largeRequest, withFirstAckLost } from './lost-ack.ts';
import { reasonToSkip, rowsOf } from './machine.ts';
import { withRawClient } from './raw-client.ts';
import { clients, endAgent, lacksCgroups, withSocketAgent } from './socket-agent.ts';

const LISTENER = '10.0.23.111:18056';
const EXCHANGE_LISTENER = '10.0.23.111:19056';
const HANDSHAKE_LISTENER = '10.0.23.111:18058';
const DIRECT = `${SERVER_ADDRESSES.server1}:8056`;
const HELD = 100;
const RAW_PORT = 62_000;
const WITHOUT_DAEMON_MS = 1_000;
const STALL_MS = 3_000;
/** Packet mode looks every 2 s whether socket mode is still needed. */
const LOOKED_AT_MS = 3_000;
const skip = reasonToSkip() || lacksCgroups;

describe('an agent in socket mode', { skip, timeout: 120_000 }, () => {
  const instance = 't-socket-life';
  before(() => up({ instance, servers: 1, agentMode: 'socket', exchange: true }));
  after(() => down(instance));

  test('1,000 ports, each direct and balanced side by side: nothing collides', async () => {
    const flags = { local: CLIENT_ADDRESS, ports: '40000-40999', count: 1_000, perSecond: 250 };
    const results = await Promise.all(
      [LISTENER, DIRECT].map((target) =>
        openConnections(openLab(instance), 'client', {
          ...{ ...flags, target, closer: 'server', expect: 'peer' },
        }),
      ),
    );
    for (const { answered, failures, wrongAnswers } of results)
      assert.deepEqual([answered, failures, wrongAnswers], [1_000, [], []]);
  });

  test('is killed and started again: programs see their clients all the time', async () => {
    const { held, opened } = await underTraffic(openLab(instance), async () => {
      const earlier = await heldClients(instance);
      assert.equal(earlier.length, HELD);
      await endAgent(instance, 'SIGKILL');
      await sleep(WITHOUT_DAEMON_MS);
      await startDaemon(instance, 'agent', configFile(instance, 'agent'));
      assert.deepEqual(await heldClients(instance), earlier);
      const [info] = await rowsOf<InfoRow>(instance, 'agent', 'info');
      assert.equal(info?.adoptedMaps, listPins(instance, 'socket').length);
    });
    assertUndisturbed(held, opened);
  });

  test('lists sockets by what ss shows of them', async () => {
    const lab = openLab(instance);
    const traffic = await hold(lab);
    try {
      const { stdout } = await lab.run('server1', ['ss', '-Htn', 'sport = :9056']);
      const shown = stdout.split('\n').flatMap((line) => {
        const [, , , server, local] = line.split(/\s+/);
        return server === undefined ? [] : [`${local} ${server}`];
      });
      const listed = (await clients(instance)).filter(({ server }) => server.endsWith(':9056'));
      assert.deepEqual(
        listed.map((row) => `${row.local} ${row.server}`).toSorted(),
        shown.toSorted(),
      );
    } finally {
      await traffic.end();
    }
    assert.deepEqual(await heldClients(instance), []);
  });

  test('is detached: the local is seen, and listeners save no SYN any more', async () => {
    await endAgent(instance, 'SIGTERM');
    const lab = openLab(instance);
    const listener = await openListener(lab);
    const itself = await openListener(lab, { asks: true });
    assert.equal(await listener.savesSyns(), '1');
    const still = await openConnections(lab, 'client', { target: LISTENER, expect: 'peer' });
    assert.deepEqual(still.wrongAnswers, [], 'stopping the daemon changes nothing');
    assert.equal((await detachEverything(instance)).pins > 0, true);
    assert.deepEqual(listPins(instance, 'socket'), []);
    assert.equal(await listener.savesSyns(), '0');
    assert.equal(await itself.savesSyns(), '1', 'a program that asked by itself keeps it');
    const { wrongAnswers } = await openConnections(lab, 'client', {
      ...{ target: LISTENER, expect: 'peer' },
    });
    assert.match(wrongAnswers[0]?.line ?? '', /^server1 10\.0\.124\.1[67]\d:/);
  });
});

describe('what collides in packet mode does not in socket mode', { skip, timeout: 120_000 }, () => {
  const instance = 't-socket-none';
  before(() =>
    upWithListeners({ instance, agentMode: 'socket' }, [
      { address: '10.0.23.111:18057', name: 'second' },
      { address: HANDSHAKE_LISTENER, name: 'handshake', toa: 'handshake' },
    ]),
  );
  after(() => down(instance));

  for (const { name, run } of COLLISION_CASES)
    test(name, async () => {
      const result = await run(openLab(instance));
      assert.equal(result.kind, 'holds', JSON.stringify(result, undefined, 1));
    });

  test('neither SYN nor ACK has room: an ACK of the balancer tells, ahead of it', async () => {
    const full = Array.from({ length: 40 }, () => nop);
    const before = await notes(instance, 'agent');
    const lines = await withRawClient(openLab(instance), RAW_PORT, async (client) => [
      await client.visit({
        ...{ target: LISTENER, port: RAW_PORT, sequence: 1_000_000 },
        ...{ synOptions: full, laterOptions: full },
      }),
    ]);
    assert.match(lines[0] ?? '', new RegExp(`^server[12] ${CLIENT_ADDRESS}:${RAW_PORT}$`));
    const after = await notes(instance, 'agent');
    const told =
      (after.get('client-from-handshake') ?? 0) - (before.get('client-from-handshake') ?? 0);
    assert.equal(told, 1);
    const rows = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');
    assert.equal(
      rows.reduce((sum, { toaAnnounced }) => sum + toaAnnounced, 0),
      1,
    );
  });

  for (const gso of [true, false]) {
    const what = gso ? 'a super-packet' : 'a full segment';
    test(`${what} completes the handshake, of which a cookie kept nothing: an ACK ahead tells`, async () => {
      const lab = openLab(instance);
      const eth0 = { role: 'client', device: 'eth0' } as const;
      await setOffloads(instance, eth0, { gso, gro: true, txChecksum: gso });
      const before = (await notes(instance, 'agent')).get('client-from-handshake') ?? 0;
      const { stdout } = await withCookies(lab, () =>
        withFirstAckLost(lab, HANDSHAKE_LISTENER, () =>
          lab.run('client', largeRequest(HANDSHAKE_LISTENER)),
        ),
      );
      assert.match(stdout, new RegExp(`^server[12] ${CLIENT_ADDRESS}:`));
      const after = (await notes(instance, 'agent')).get('client-from-handshake') ?? 0;
      assert.equal(after - before, 1);
    });
  }

  test('servers that answer with SYN cookies see clients of listeners with toa: handshake', async () => {
    const lab = openLab(instance);
    const before = (await notes(instance, 'agent')).get('client-from-handshake') ?? 0;
    const { answered, wrongAnswers } = await withCookies(lab, () =>
      openConnections(lab, 'client', {
        ...{ target: HANDSHAKE_LISTENER, count: 100, perSecond: 200, expect: 'peer' },
      }),
    );
    assert.deepEqual([answered, wrongAnswers], [100, []]);
    const counted = await notes(instance, 'agent');
    assert.equal((counted.get('client-from-handshake') ?? 0) - before, 100);
    assert.equal(counted.get('client-unknown') ?? 0, 0);
  });

  test('in all of this no client was left unsaid', async () => {
    assert.equal(await toaNotDelivered(instance), 0);
  });
});

describe('from packet mode to socket mode', { skip, timeout: 120_000 }, () => {
  const instance = 't-socket-change';
  const options = labOptions({ instance, servers: 1, exchange: true });
  before(() => up(options));
  after(() => down(instance));

  const changeTo = async (agentMode: AgentMode) => {
    await endAgent(instance, 'SIGTERM');
    writeFileSync(configFile(instance, 'agent'), agentConfig({ ...options, agentMode }));
    await startDaemon(instance, 'agent', configFile(instance, 'agent'));
  };

  test('and back, under live and new connections: none is lost, all are seen', async () => {
    const until = async (condition: () => Promise<boolean>, what: string) =>
      assert.ok(await waitUntil(condition, { timeoutMs: 20_000, everyMs: 50 }), what);
    const { held, opened } = await underTraffic(openLab(instance), async () => {
      await until(async () => (await restored(instance)) > HELD, 'packet mode takes new ones');
      const before = await restored(instance);
      await changeTo('socket');
      const bySocketMode = async () => (await notes(instance, 'agent')).get('client-from-syn') ?? 0;
      await until(async () => (await bySocketMode()) > 10, 'socket mode takes new ones');
      await changeTo('packet');
      await until(async () => (await restored(instance)) > before, 'packet mode does again');
    });
    assertUndisturbed(held, opened);
  });

  test('back again: socket mode stays as long as it has connections, and no longer', async () => {
    await changeTo('socket');
    const traffic = await hold(openLab(instance));
    try {
      await changeTo('packet');
      await sleep(LOOKED_AT_MS);
      assert.ok(listPins(instance, 'socket').length > 0, 'it knows the clients of some');
    } finally {
      const { lost, stalls } = await traffic.end();
      assert.deepEqual([lost, stalls], [{}, 0]);
    }
    const isGone = async () => listPins(instance, 'socket').length === 0;
    assert.ok(await waitUntil(isGone, { timeoutMs: 10_000 }), 'removed with the last of them');
    const { wrongAnswers } = await openConnections(openLab(instance), 'client', {
      ...{ target: LISTENER, expect: 'peer' },
    });
    assert.deepEqual(wrongAnswers, []);
  });
});

describe('one server in packet mode, the other in socket mode', { skip, timeout: 60_000 }, () => {
  const instance = 't-socket-mixed';
  const options = labOptions({ instance, servers: 2 });
  before(async () => {
    await up(options);
    await endAgent(instance, 'SIGTERM');
    const config = parse(agentConfig(options)) as { servers: { address: string }[] };
    const servers = config.servers.filter(({ address }) => address === DIRECT);
    writeFileSync(configFile(instance, 'agent'), stringify({ ...config, servers }));
    await startDaemon(instance, 'agent', configFile(instance, 'agent'));
  });
  after(() => down(instance));

  test('two agents side by side: both servers see their clients, each by its own mode', async () => {
    const lab = openLab(instance);
    const trustedLocals = ['10.0.124.160/28'];
    await withSocketAgent(lab, `${instance}-agent`, { trustedLocals }, async () => {
      const { answers, failures, wrongAnswers } = await openConnections(lab, 'client', {
        ...{ target: LISTENER, count: 100, perSecond: 200, expect: 'peer' },
      });
      assert.deepEqual([failures, wrongAnswers], [[], []]);
      const { server1 = 0, server2 = 0 } = answers;
      assert.ok(server1 >= 40 && server2 >= 40, `${server1} and ${server2}`);
      assert.equal(await restored(instance), server1);
      const counted = await notes(`${instance}-agent`, 'agent');
      assert.deepEqual([...counted], [['client-from-syn', server2]]);
    });
  });
});

/** Connections that exchange lines all the time and new ones that ask who they are, during `action`. */
async function underTraffic(lab: Lab, action: () => Promise<void>) {
  const traffic = await hold(lab);
  const opening = startOpening(lab, 'client2', {
    ...{ target: LISTENER, count: 100_000, perSecond: 50, expect: 'peer' },
  });
  try {
    await sleep(500);
    await action();
    await sleep(500);
  } catch (error) {
    await traffic.end();
    throw error;
  } finally {
    await opening.stop();
  }
  return { held: await traffic.end(), opened: await opening.result };
}

async function hold(lab: Lab) {
  const server = await startExchangeServer(lab, 'server1');
  const holding = await startHolding(lab, 'client', {
    ...{ target: EXCHANGE_LISTENER, count: HELD, everyMs: 100, stallMs: STALL_MS, seconds: 60 },
  });
  return {
    end: async () => {
      const result = await holding.stop();
      await server.stop();
      return result;
    },
  };
}

/** Both servers answer every SYN with a cookie, meanwhile. */
async function withCookies<T>(lab: Lab, action: () => Promise<T>): Promise<T> {
  const cookies = (value: number) =>
    Promise.all(
      (['server1', 'server2'] as const).map((role) =>
        lab.run(role, ['sysctl', '-qw', `net.ipv4.tcp_syncookies=${value}`]),
      ),
    );
  await cookies(2);
  try {
    return await action();
  } finally {
    await cookies(1);
  }
}

type Ended = Awaited<ReturnType<typeof underTraffic>>;

function assertUndisturbed(held: Ended['held'], opened: Ended['opened']): void {
  const { refused, lost, wrongEchoes, stalls } = held;
  assert.deepEqual([held.opened, refused, lost, wrongEchoes, stalls], [HELD, {}, {}, 0, 0]);
  assert.deepEqual([opened.failures, opened.wrongAnswers], [[], []]);
  assert.equal(opened.answered, opened.attempted);
}

async function heldClients(instance: string): Promise<string[]> {
  const rows = await clients(instance);
  return rows
    .filter(({ server, state }) => server.endsWith(':9056') && state === 'established')
    .map(({ client, local }) => `${client} ${local}`)
    .toSorted();
}

/** A listener of server1 that says its TCP_SAVE_SYN for each line it reads. */
async function openListener(lab: Lab, { asks } = { asks: false }) {
  const program = [
    'import socket, sys',
    's = socket.socket()',
    ...(asks ? ['s.setsockopt(socket.IPPROTO_TCP, 27, 1)'] : []),
    's.listen()',
    'for line in sys.stdin: print(s.getsockopt(socket.IPPROTO_TCP, 27), flush=True)',
  ].join('\n');
  const { stdin, stdout } = lab.spawn('server1', ['python3', '-c', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  assert.ok(stdin !== null && stdout !== null);
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    savesSyns: async (): Promise<string> => {
      stdin.write('?\n');
      return String((await lines.next()).value);
    },
  };
}

/** Connections that packet mode translates for their clients, live or resting. */
async function restored(instance: string): Promise<number> {
  const rows = await rowsOf<AgentSessionRow>(instance, 'agent', 'sessions?limit=2000');
  return rows.filter(({ kind }) => kind === 'restored').length;
}
