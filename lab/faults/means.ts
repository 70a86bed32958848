/** What faults are made of: firewall rules, programs that listen badly, other people's balancers. */
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import type { Lab } from '../lab.ts';
import { LabError } from '../process.ts';
import { CLIENT_ADDRESS, SERVER_ADDRESSES, SERVER_PORT, type Role } from '../topology.ts';
import type { Injected } from './fault.ts';

/** The lab's listener whose pool has no health checks: what breaks a server does not end in RSTs. */
export const UNCHECKED = '10.0.23.111:19056';
export const UNCHECKED_PORT = 9056;
export const CLIENTS = '10.0.88.0/24';
const LOCAL = '10.0.124.161';
const SERVER = SERVER_ADDRESSES.server1;

/** Lines for nft, in one transaction. */
export async function nft(lab: Lab, role: Role, ...lines: string[]): Promise<void> {
  await lab.run(role, ['nft', '-f', '-'], { input: lines.map((line) => `${line}\n`).join('') });
}

/** One rule in a chain of its own: `rule(lab, 'router', 'forward', 'tcp dport 80 counter drop')`. */
export function rule(lab: Lab, role: Role, hook: string, body: string): Promise<void> {
  return nft(
    lab,
    role,
    'add table ip fault',
    `add chain ip fault c { type filter hook ${hook} priority 0; }`,
    `add rule ip fault c ${body}`,
  );
}

export async function ip(lab: Lab, role: Role, ...lines: string[]): Promise<void> {
  await lab.run(role, ['ip', '-batch', '-'], { input: lines.map((line) => `${line}\n`).join('') });
}

export async function sysctl(lab: Lab, role: Role, ...settings: string[]): Promise<void> {
  await lab.run(role, ['sysctl', '-qw', ...settings]);
}

/** A balancer made of nftables: no TOA; the source port stays, where no range is given. */
export function nftBalancer(lab: Lab, source: string | undefined = LOCAL): Promise<void> {
  return nft(
    lab,
    'balancer',
    'add table ip lb',
    'add chain ip lb d { type nat hook prerouting priority -100; }',
    `add rule ip lb d ip daddr 10.0.23.111 tcp dport 18056 dnat to ${SERVER}:${SERVER_PORT}`,
    'add chain ip lb s { type nat hook postrouting priority 100; }',
    ...(source === ''
      ? []
      : [`add rule ip lb s ip daddr ${SERVER} tcp dport ${SERVER_PORT} snat to ${source}`]),
  );
}

/** What restores the client's address without looking who else has the tuple. */
export function nftRestorer(lab: Lab, role: Role, ports: { low: number; high: number }) {
  const all = Array.from({ length: ports.high - ports.low + 1 }, (_, i) => ports.low + i);
  return nft(
    lab,
    role,
    'add table ip nc',
    'add map ip nc ports { type inet_service : inet_service; }',
    `add element ip nc ports { ${all.map((port) => `${port} : ${port}`).join(', ')} }`,
    'add chain ip nc s { type nat hook postrouting priority 100; }',
    `add rule ip nc s ip saddr ${LOCAL} ip daddr ${SERVER} tcp dport ${SERVER_PORT} snat to ${CLIENT_ADDRESS} : tcp sport map @ports`,
  );
}

/** A program in Python that runs at the server until the fault is over; `body` says when it is ready. */
export async function python(lab: Lab, role: Role, ...body: string[]): Promise<Injected> {
  const script = ['import select, socket, struct, sys, time', ...body, 'time.sleep(600)'].join(
    '\n',
  );
  const child = lab.spawn(role, ['python3', '-uc', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new LabError('LAB_NOT_READY', 'python has no output');
  const ended = once(child, 'exit');
  await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => {
      throw new LabError('LAB_NOT_READY', `a program of the fault ended: ${script}`);
    }),
  ]);
  return {
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Listens on the port of the unchecked pool; `more` are lines about the socket `s`. */
export function listener(lab: Lab, backlog: number, ...more: string[]): Promise<Injected> {
  return python(
    lab,
    'server1',
    's = socket.socket()',
    's.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)',
    ...more.filter((line) => !line.startsWith('after:')),
    `s.bind(("${SERVER}", ${UNCHECKED_PORT}))`,
    `s.listen(${backlog})`,
    ...more.filter((line) => line.startsWith('after:')).map((line) => line.slice(6)),
    'print("ready")',
  );
}

/**
 * Fills the connection tracking table of a namespace, through ctnetlink, with connections that live and
 * were answered: such are not given up for new ones. Its size is the machine's, and stays what it is.
 */
export function fullConntrack(lab: Lab, role: Role): Promise<Injected> {
  return python(
    lab,
    role,
    'def attr(kind, value): return struct.pack("=HH", len(value) + 4, kind) + value + b"\\0" * (-len(value) % 4)',
    'def nest(kind, *parts): return attr(kind | 0x8000, b"".join(parts))',
    // CTA_TUPLE: addresses, TCP, ports
    'def ends(kind, a, b, p, q): return nest(kind, nest(1, attr(1, a), attr(2, b)), nest(2, attr(1, b"\\6"), attr(2, p), attr(3, q)))',
    's = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)',
    's.bind((0, 0))',
    'server, port = socket.inet_aton("10.9.9.9"), b"\\0\\x09"',
    // seen reply, assured, confirmed; established; for an hour
    'rest = attr(3, struct.pack("!I", 14)) + nest(4, nest(1, attr(1, b"\\3"))) + attr(7, struct.pack("!I", 3600))',
    'def add(n):',
    '    client, cport = struct.pack("!I", 0x0a090000 + n // 50000), struct.pack("!H", 1024 + n % 50000)',
    '    body = struct.pack("=BBH", 2, 0, 0) + ends(1, client, server, cport, port) + ends(2, server, client, port, cport) + rest',
    '    return struct.pack("=IHHII", len(body) + 16, 0x100, 0x401, n, 0) + body',
    'most = int(open("/proc/sys/net/netfilter/nf_conntrack_max").read())',
    'for n in range(0, most + 256, 256):',
    '    s.send(b"".join(add(n + i) for i in range(256)))',
    '    while select.select([s], [], [], 0)[0]: s.recv(65536)',
    'print("ready")',
  );
}
