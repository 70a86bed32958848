/** Socket mode: where TOA may stand, who is believed, and what is counted when nothing is known. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  end,
  fastOpen,
  mss,
  rawOption,
  sackPermitted,
  timestamps,
  toa,
  windowScale,
  nop,
  type TcpOption,
} from '../../packet/tcp-options.ts';
import type { SocketNote } from '../../datapath/binding/verdicts.ts';
import { notes } from '../answers.ts';
import { serversCgroup } from '../cgroups.ts';
import { openLab, type Lab } from '../lab.ts';
import { pinFolder } from '../paths.ts';
import { waitUntil } from '../process.ts';
import { CLIENT2_ADDRESS, CLIENT_ADDRESS } from '../topology.ts';
import { down, up } from '../up.ts';
import { reasonToSkip } from './machine.ts';
import { withRawClient, type RawConnection } from './raw-client.ts';
import { lacksCgroups, withSocketAgent } from './socket-agent.ts';

const instance = 't-socket-toa';
const agent = 't-socket-toa-agent';
const WEB = '10.0.98.79:8056';
const DUAL_STACK = '10.0.98.79:9058';
const SERVICE = '10.0.98.79:9059';
const RAW_PORTS = 62_000;
let nextPort = RAW_PORTS + 120;
/** The agent looks twice a second. */
const REATTACHED_MS = 1_500;

const TRUE = '203.0.113.7:7777';
/** TOA of the client [2001:db8::7]:7777. */
const toa6 = (kind: 253 | 254) =>
  rawOption(Uint8Array.of(kind, 20, 0x1e, 0x61, 0x20, 0x01, 0x0d, 0xb8, ...new Uint8Array(11), 7));
const usual = [mss(1460), sackPermitted, timestamps(7_000_001), nop, windowScale(7)];

/** Answers as the lab's nginx does, on a socket of IPv6. */
const DUAL_STACK_SERVER = `
import socket
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('::', 9058))
s.listen(16)
print('ready', flush=True)
while True:
    c, peer = s.accept()
    c.recv(1000)
    c.send(f'HTTP/1.1 200 OK\\r\\n\\r\\nserver1 {peer[0]}:{peer[1]}\\n'.encode())`;

type Row = {
  name: string;
  to?: string;
  syn?: readonly TcpOption[];
  later?: Pick<RawConnection, 'laterOptions' | 'dataOptions' | 'isAckLost'>;
  /** 'own': the address that the connection came from. 'any': whichever came first. */
  peer: string;
  counted: readonly SocketNote[];
  withCookies?: true;
};

/** Where the hierarchy is mounted, in the two ways that machines have. */
const ROOTS: readonly { name: string; wrap: readonly string[] }[] = [
  { name: 'as this machine has it', wrap: [] },
  {
    name: 'version 2 alone, at /sys/fs/cgroup, in a cgroup namespace',
    wrap: [
      ...['unshare', '--cgroup', '--mount', 'sh', '-c'],
      ...['mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', 'sh'],
    ],
  },
];

const FROM_SYN: readonly SocketNote[] = ['client-from-syn'];
const UNKNOWN: readonly SocketNote[] = ['client-unknown'];

const ROWS: readonly Row[] = [
  { name: 'alone', syn: [toa(TRUE)], peer: TRUE, counted: FROM_SYN },
  { name: 'first', syn: [toa(TRUE), ...usual], peer: TRUE, counted: FROM_SYN },
  { name: 'last', syn: [...usual, toa(TRUE)], peer: TRUE, counted: FROM_SYN },
  {
    name: 'in the middle, at an odd place',
    syn: [mss(1460), nop, toa(TRUE), windowScale(7), nop, nop],
    peer: TRUE,
    counted: FROM_SYN,
  },
  { name: 'of kind 253', syn: [mss(1460), toa(TRUE, 253)], peer: TRUE, counted: FROM_SYN },
  {
    name: 'next to a request for a fast-open cookie',
    syn: [mss(1460), fastOpen(), nop, nop, toa(TRUE)],
    peer: TRUE,
    counted: FROM_SYN,
  },
  {
    name: 'twice: the first counts',
    syn: [toa(TRUE), toa('192.0.2.1:1')],
    peer: TRUE,
    counted: FROM_SYN,
  },
  {
    name: 'IPv6, and the socket is of IPv6',
    to: DUAL_STACK,
    syn: [...usual, toa6(253)],
    peer: '2001:db8::7:7777',
    counted: FROM_SYN,
  },
  {
    name: 'IPv6 with kind 254',
    to: DUAL_STACK,
    syn: [toa6(254), ...usual],
    peer: '2001:db8::7:7777',
    counted: FROM_SYN,
  },
  {
    name: 'IPv6, and the socket is of IPv4',
    syn: [toa6(253), ...usual],
    peer: 'own',
    counted: ['client-from-syn', 'client-not-showable'],
  },
  {
    name: 'IPv4, and the socket is of IPv6',
    to: DUAL_STACK,
    syn: [toa(TRUE), ...usual],
    peer: `::ffff:${TRUE}`,
    counted: FROM_SYN,
  },
  {
    name: 'of another length is none',
    syn: [mss(1460), rawOption(Uint8Array.of(254, 6, 1, 2, 3, 4))],
    peer: 'own',
    counted: UNKNOWN,
  },
  {
    name: 'behind the end of the list is none',
    syn: [end, toa(TRUE), nop, nop, nop],
    peer: 'own',
    counted: UNKNOWN,
  },
  { name: 'nowhere', syn: usual, peer: 'own', counted: UNKNOWN },
  {
    name: 'on the ACK that completes the handshake',
    syn: usual,
    later: { laterOptions: [toa(TRUE)] },
    peer: TRUE,
    counted: ['client-from-handshake'],
  },
  {
    name: 'on the first data, which completes the handshake because the ACK was lost',
    syn: usual,
    later: { laterOptions: [toa(TRUE)], isAckLost: true },
    peer: TRUE,
    counted: ['client-from-handshake'],
  },
  {
    name: 'on the first data, after the handshake',
    syn: usual,
    later: { laterOptions: [], dataOptions: [toa(TRUE)] },
    peer: 'any',
    counted: ['client-from-later', 'client-unknown'],
  },
  {
    name: 'on a SYN that was answered with a cookie: lost with it',
    syn: [toa(TRUE), ...usual],
    peer: 'own',
    counted: ['client-unknown', 'syn-not-saved'],
    withCookies: true,
  },
  {
    name: 'on the ACK that brings a SYN cookie back',
    syn: [toa(TRUE), ...usual],
    later: { laterOptions: [toa(TRUE)] },
    peer: TRUE,
    counted: ['client-from-handshake', 'syn-not-saved'],
    withCookies: true,
  },
];

describe(
  'TOA, read by socket mode',
  { skip: reasonToSkip() || lacksCgroups, timeout: 120_000 },
  () => {
    before(async () => {
      await up({ instance, servers: 1, daemons: false });
      const { stdout } = openLab(instance).spawn('server1', ['python3', '-c', DUAL_STACK_SERVER], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((ready) => stdout?.once('data', ready));
    });
    after(() => down(instance));

    test('from who is trusted', async (t) => {
      const lab = openLab(instance);
      await withSocketAgent(lab, agent, { trustedLocals: [CLIENT_ADDRESS] }, async () => {
        for (const [index, row] of ROWS.entries())
          await t.test(row.name, async () => {
            const port = RAW_PORTS + index;
            const { peer, counted } = await asked(lab, row, port);
            if (row.peer !== 'any')
              assert.equal(peer, row.peer === 'own' ? own(row, port) : row.peer);
            assert.deepEqual(counted, Object.fromEntries(row.counted.map((note) => [note, 1])));
          });
      });
    });

    test('from who is not trusted it is counted, and that is all', async () => {
      const lab = openLab(instance);
      const port = RAW_PORTS + 100;
      const row: Row = { name: '', syn: [toa(TRUE)], peer: 'own', counted: [] };
      await withSocketAgent(lab, agent, { trustedLocals: [CLIENT2_ADDRESS] }, async () => {
        const { peer, counted } = await asked(lab, row, port);
        assert.equal(peer, own(row, port));
        assert.deepEqual(counted, { 'client-untrusted': 1 });
      });
    });

    test('on a server that is not listed it is not even looked at', async () => {
      const lab = openLab(instance);
      const options = { trustedLocals: [CLIENT_ADDRESS], servers: [DUAL_STACK] };
      const row: Row = { name: '', syn: [toa(TRUE)], peer: 'own', counted: [] };
      await withSocketAgent(lab, agent, options, async () => {
        const elsewhere = await asked(lab, row, RAW_PORTS + 101);
        assert.equal(elsewhere.peer, own(row, RAW_PORTS + 101));
        assert.deepEqual(elsewhere.counted, {});
        const there = await asked(lab, { ...row, to: DUAL_STACK }, RAW_PORTS + 102);
        assert.equal(there.peer, `::ffff:${TRUE}`);
      });
    });

    for (const { name, wrap } of ROOTS)
      test(`on the root cgroup: ${name}`, async () => {
        const lab = openLab(instance);
        const options = { trustedLocals: [CLIENT_ADDRESS], cgroup: 'root', servers: [WEB], wrap };
        await withSocketAgent(lab, agent, options, async () => {
          const port = nextPort++;
          const row: Row = { name, syn: [toa(TRUE)], peer: TRUE, counted: FROM_SYN };
          const { peer, counted } = await asked(lab, row, port);
          assert.equal(peer, TRUE, 'a listener that was there before the agent');
          assert.deepEqual(counted, { 'client-from-syn': 1 });
        });
      });

    test('in a cgroup that is removed and made again, as when a service is restarted', async () => {
      const lab = openLab(instance);
      const cgroup = `${serversCgroup(instance)}/service`;
      mkdirSync(cgroup);
      const row: Row = { name: '', to: SERVICE, syn: [toa(TRUE)], peer: TRUE, counted: [] };
      try {
        await withSocketAgent(lab, agent, { trustedLocals: [CLIENT_ADDRESS], cgroup }, async () => {
          const first = await startService(lab, cgroup);
          assert.equal(await visited(lab, row, RAW_PORTS + 110), `::ffff:${TRUE}`);
          await first.end();
          rmdirSync(cgroup);
          mkdirSync(cgroup);
          const second = await startService(lab, cgroup);
          await sleep(REATTACHED_MS);
          assert.equal(await visited(lab, row, RAW_PORTS + 111), `::ffff:${TRUE}`);
          await second.end();
        });
      } finally {
        rmdirSync(cgroup);
      }
    });

    test('without an agent, again, nobody is believed, and nothing of it is left', async () => {
      const lab = openLab(instance);
      assert.ok(!existsSync(pinFolder(agent)));
      const row: Row = { name: '', syn: [toa(TRUE)], peer: 'own', counted: [] };
      const peer = await visited(lab, row, RAW_PORTS + 103);
      assert.equal(peer, own(row, RAW_PORTS + 103));
    });
  },
);

/** The peer that the server saw, and what the agent counted for it. */
async function asked(lab: Lab, row: Row, port: number) {
  const before = await notes(agent, 'agent');
  const peer = await visited(lab, row, port);
  const changes = async () =>
    [...(await notes(agent, 'agent'))].flatMap(([name, count]) => {
      const more = count - (before.get(name) ?? 0);
      return more === 0 ? [] : [[name, more] as const];
    });
  // Data may be answered before what it carried is counted.
  await waitUntil(async () => (await changes()).length >= row.counted.length, { timeoutMs: 500 });
  return { peer, counted: Object.fromEntries(await changes()) };
}

/** The dual-stack server once more, on a port of its own, as a service in a cgroup of its own. */
async function startService(lab: Lab, cgroup: string) {
  const program = DUAL_STACK_SERVER.replace('9058', '9059');
  const argv = ['sh', '-c', 'echo 0 >"$0" && exec "$@"', `${cgroup}/cgroup.procs`];
  const child = lab.spawn('server1', [...argv, 'python3', '-c', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((ready) => child.stdout?.once('data', ready));
  return {
    end: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function visited(lab: Lab, { to = WEB, syn = [], later, withCookies }: Row, port: number) {
  const cookies = (value: number) =>
    lab.run('server1', ['sysctl', '-qw', `net.ipv4.tcp_syncookies=${value}`]);
  if (withCookies) await cookies(2);
  try {
    const line = await withRawClient(lab, RAW_PORTS, (client) =>
      client.visit({ target: to, port, sequence: port * 1_000, synOptions: syn, ...later }),
    );
    return line.replace('server1 ', '');
  } finally {
    if (withCookies) await cookies(1);
  }
}

function own({ to }: Row, port: number): string {
  return `${to === DUAL_STACK ? '::ffff:' : ''}${CLIENT_ADDRESS}:${port}`;
}
