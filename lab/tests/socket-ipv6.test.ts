/** Socket mode over IPv6: TOA of both layouts in its packets, who is believed, and what is listed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mss, rawOption, toa, type TcpOption } from '../../packet/tcp-options.ts';
import type { SocketNote } from '../../datapath/binding/verdicts.ts';
import { notes } from '../answers.ts';
import { openLab, type Lab } from '../lab.ts';
import { down, up } from '../up.ts';
import { reasonToSkip } from './machine.ts';
import { visit6 } from './raw-client6.ts';
import { clients, lacksCgroups, withSocketAgent } from './socket-agent.ts';

const instance = 't-socket-6';
const agent = 't-socket-6-agent';
const LOCAL = '2001:db8:124::161';
const STRANGER = '2001:db8:99::1';
const SERVER = '2001:db8:98::79';
const LISTED = 9_060;
const UNLISTED = 9_061;
const RAW_PORTS = 62_000;
const TRUE = '203.0.113.7:7777';
const usual = [mss(1440)];
/** TOA of the client [2001:db8::7]:7777. */
const toa6 = (kind: 253 | 254) =>
  rawOption(Uint8Array.of(kind, 20, 0x1e, 0x61, 0x20, 0x01, 0x0d, 0xb8, ...new Uint8Array(11), 7));

/** Two listeners that tell each client what accept() and getpeername() gave. */
const WHO = `
import socket, threading
def keep(c):
    try: c.recv(1)
    except OSError: pass
def serve(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('${SERVER}', port))
    s.listen(16)
    while True:
        c, accepted = s.accept()
        c.recv(100)
        named = c.getpeername()
        c.send(f'{accepted[0]} {accepted[1]} {named[0]} {named[1]}\\n'.encode())
        threading.Thread(target=keep, args=(c,), daemon=True).start()
threading.Thread(target=serve, args=(${UNLISTED},), daemon=True).start()
print('ready', flush=True)
serve(${LISTED})`;

type Row = {
  name: string;
  from?: string;
  to?: number;
  syn: readonly TcpOption[];
  ack?: readonly TcpOption[];
  /** 'own': the address that the connection came from. */
  peer: 'own' | readonly [address: string, port: number];
  counted: readonly SocketNote[];
};

const ROWS: readonly Row[] = [
  {
    name: 'an IPv6 client, kind 253',
    syn: [...usual, toa6(253)],
    peer: ['2001:db8::7', 7_777],
    counted: ['client-from-syn'],
  },
  {
    name: 'an IPv6 client, kind 254',
    syn: [toa6(254), ...usual],
    peer: ['2001:db8::7', 7_777],
    counted: ['client-from-syn'],
  },
  {
    name: 'an IPv4 client',
    syn: [...usual, toa(TRUE)],
    peer: ['::ffff:203.0.113.7', 7_777],
    counted: ['client-from-syn'],
  },
  {
    name: 'on the ACK that completes the handshake',
    syn: usual,
    ack: [toa6(253)],
    peer: ['2001:db8::7', 7_777],
    counted: ['client-from-handshake'],
  },
  { name: 'nowhere', syn: usual, peer: 'own', counted: ['client-unknown'] },
  {
    name: 'from who is not trusted',
    from: STRANGER,
    syn: [toa6(253)],
    peer: 'own',
    counted: ['client-untrusted'],
  },
  {
    name: 'to a server that is not listed',
    to: UNLISTED,
    syn: [toa6(253)],
    peer: 'own',
    counted: [],
  },
];

describe('over IPv6', { skip: reasonToSkip() || lacksCgroups, timeout: 60_000 }, () => {
  before(async () => {
    await up({ instance, servers: 1, daemons: false });
    const lab = openLab(instance);
    await lab.run('server1', ['sysctl', '-qw', 'net.ipv6.conf.lo.disable_ipv6=0']);
    for (const address of [LOCAL, STRANGER, SERVER])
      await lab.run('server1', ['ip', 'address', 'add', `${address}/128`, 'dev', 'lo', 'nodad']);
    const quiet = `add table ip6 raw; add chain ip6 raw o { type filter hook output priority 0; }; add rule ip6 raw o tcp flags & (rst|ack) == rst tcp sport ${RAW_PORTS}-${RAW_PORTS + 100} drop`;
    await lab.run('server1', ['nft', quiet]);
    const { stdout } = lab.spawn('server1', ['python3', '-c', WHO], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((ready) => stdout?.once('data', ready));
  });
  after(() => down(instance));

  test('TOA', async (t) => {
    const lab = openLab(instance);
    const options = { trustedLocals: ['2001:db8:124::/64'], servers: [`[${SERVER}]:${LISTED}`] };
    await withSocketAgent(lab, agent, options, async () => {
      for (const [index, row] of ROWS.entries())
        await t.test(row.name, () => holds(lab, row, RAW_PORTS + index));
    });
  });
});

async function holds(lab: Lab, row: Row, port: number): Promise<void> {
  const { from: source = LOCAL, to = LISTED, syn: synOptions, ack: ackOptions = [] } = row;
  const before = await notes(agent, 'agent');
  const connection = {
    source,
    port,
    target: { address: SERVER, port: to },
    synOptions,
    ackOptions,
  };
  const { answer, meanwhile: listed } = await visit6(lab, 'server1', connection, () =>
    clients(agent),
  );
  const peer = row.peer === 'own' ? ([source, port] as const) : row.peer;
  assert.equal(answer, [...peer, ...peer].join(' '), 'accept() and getpeername()');

  const counted = [...(await notes(agent, 'agent'))].filter(
    ([name, count]) => count > (before.get(name) ?? 0),
  );
  assert.deepEqual(
    counted.map(([name]) => name),
    row.counted,
  );
  const [address, number] = peer;
  const client = `${address.includes('.') ? address.replace('::ffff:', '') : `[${address}]`}:${number}`;
  assert.deepEqual(
    listed.map(({ client: its, local, server }) => [its, local, server]),
    row.peer === 'own' ? [] : [[client, `[${LOCAL}]:${port}`, `[${SERVER}]:${LISTED}`]],
  );
}
