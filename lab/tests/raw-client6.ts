/** As raw-client.ts, over IPv6: a connection of single segments inside one namespace, with TOA where a row wants it. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { encodeTcpOptions, type TcpOption } from '../../packet/tcp-options.ts';
import type { Lab } from '../lab.ts';
import type { Role } from '../topology.ts';

export type RawConnection6 = {
  /** An address of the namespace; its kernel is kept from answering for it. */
  source: string;
  port: number;
  target: { address: string; port: number };
  synOptions: readonly TcpOption[];
  /** Of the segment that completes the handshake. */
  ackOptions?: readonly TcpOption[];
};

/** The kernel fills the checksum in; a segment of ours, then what the other end says, and so on. */
const CLIENT = `
import socket, struct, sys
source, port, target, to, syn, ack = sys.argv[1:7]
port, to, syn, ack = int(port), int(to), bytes.fromhex(syn), bytes.fromhex(ack)
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_TCP)
s.setsockopt(socket.IPPROTO_IPV6, 7, 16)
s.bind((source, 0))
s.settimeout(5)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
def send(flags, sequence, acknowledgment, options=b'', payload=b''):
    words = (20 + len(options)) // 4 << 12 | flags
    s.sendto(struct.pack('!HHIIHHHH', port, to, sequence, acknowledgment, words, 65535, 0, 0) + options + payload, (target, 0))
def hear(wanted):
    while True:
        segment = s.recv(65535)
        sender, receiver, sequence, acknowledgment, words = struct.unpack_from('!HHIIH', segment)
        payload = segment[(words >> 12) * 4:]
        if (sender, receiver) == (to, port) and wanted(words & 0x3f, payload): return sequence, payload
send(SYN, 1000, 0, syn)
theirs, _ = hear(lambda flags, _: flags & (SYN | ACK) == SYN | ACK)
send(ACK, 1001, theirs + 1, ack)
send(PSH | ACK, 1001, theirs + 1, b'', b'who?')
_, answer = hear(lambda _, payload: payload)
print(answer.decode().strip(), flush=True)
sys.stdin.read()
send(RST | ACK, 1005, theirs + 1)`;

/** Asks `who?`; the answer, and what \`meanwhile\` finds while the connection is open. */
export async function visit6<T>(
  lab: Lab,
  role: Role,
  { source, port, target, synOptions, ackOptions = [] }: RawConnection6,
  meanwhile: () => Promise<T>,
): Promise<{ answer: string; meanwhile: T }> {
  const [syn, ack] = [synOptions, ackOptions].map((options) =>
    Buffer.from(encodeTcpOptions(options)).toString('hex'),
  ) as [string, string];
  const words = [source, String(port), target.address, String(target.port), syn, ack];
  const child = lab.spawn(role, ['python3', '-c', CLIENT, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const { stdout } = child;
    assert.ok(stdout !== null);
    const said = createInterface({ input: stdout })[Symbol.asyncIterator]().next();
    const first = await Promise.race([said, ended]);
    assert.ok(!Array.isArray(first), 'it ended without an answer');
    return { answer: String(first.value), meanwhile: await meanwhile() };
  } finally {
    child.stdin?.end();
    await ended;
  }
}
