/** A server and a client of TCP Fast Open (RFC 7413): data in the SYN, from the second connection on. */

import { once } from 'node:events';
import { EXCHANGE_SERVER_PORT, EXCHANGE_VIRTUAL_PORT } from '../config.ts';
import { readCounters } from '../counters.ts';
import type { Lab } from '../lab.ts';
import { SERVER_ADDRESSES, VIRTUAL_ADDRESS } from '../topology.ts';

const CLIENT_SIDE = 1; /* net.ipv4.tcp_fastopen */
const SERVER_SIDE = 2;

const SERVER = `
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('${SERVER_ADDRESSES.server1}', ${EXCHANGE_SERVER_PORT}))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
s.listen(16)
print('ready', flush=True)
while True:
    c, peer = s.accept()
    c.recv(100)
    c.send(f'{peer[0]}:{peer[1]}'.encode())
    c.close()`;

/** One line for each connection: its own end, and the peer that the server saw. */
const CLIENT = `
import socket, sys
for i in range(int(sys.argv[1])):
    c = socket.socket()
    c.sendto(b'hello', socket.MSG_FASTOPEN, ('${VIRTUAL_ADDRESS}', ${EXCHANGE_VIRTUAL_PORT}))
    own = '%s:%d' % c.getsockname()
    print(own, c.recv(100).decode())
    c.close()`;

export type FastOpened = { seen: { own: string; peer: string }[]; inSyn: number };

/** Connections of `client` to server1 through the balancer; `inSyn` of them had their data in the SYN. */
export async function openFast(lab: Lab, count: number): Promise<FastOpened> {
  const allow = (role: 'client' | 'server1', side: number) =>
    lab.run(role, ['sysctl', '-qw', `net.ipv4.tcp_fastopen=${side}`]);
  await Promise.all([allow('client', CLIENT_SIDE), allow('server1', SERVER_SIDE)]);
  const server = lab.spawn('server1', ['python3', '-c', SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise((ready) => server.stdout?.once('data', ready));
    const { stdout } = await lab.run('client', ['python3', '-c', CLIENT, String(count)]);
    const counted = await readCounters(lab.namespace('server1'));
    const inSyn = counted.get('TcpExtTCPFastOpenPassive') ?? 0n;
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([own = '', peer = '']) => ({ own, peer }));
    return { seen, inSyn: Number(inSyn) };
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
}
