/** Servers that do not listen, do not accept, or refuse. */
import { stopServer } from '../servers.ts';
import { waitUntil } from '../process.ts';
import { list } from '../answers.ts';
import type { BackendRow } from '../../control/api/rows.ts';
import { startOpening } from '../traffic.ts';
import { CLIENT2_ADDRESS } from '../topology.ts';
import type { Lab } from '../lab.ts';
import { cause, type Fault, type Injected } from './fault.ts';
import { CLIENTS, ip, listener, python, rule, sysctl, UNCHECKED, UNCHECKED_PORT } from './means.ts';

const unchecked = { lab: { exchange: true }, target: UNCHECKED } as const;

export const SERVERS: readonly Fault[] = [
  {
    ...unchecked,
    name: 'port-closed',
    sentence: 'Nobody listens on the port of the backend.',
    inject: async () => {},
    expect: cause('no-listener', 'server'),
  },
  {
    name: 'health-failed',
    sentence: 'The health checks of every backend fail.',
    lab: {},
    inject: async (lab) => {
      await stopServer(lab.options.instance, 'server1');
      await untilDown(lab);
    },
    expect: cause('no-listener', 'server'),
  },
  {
    name: 'health-unreachable',
    sentence: 'Only the health checks of the balancer do not reach the server.',
    lab: {},
    inject: async (lab) => {
      await rule(lab, 'server1', 'input', 'ip saddr 10.0.23.1 drop');
      await untilDown(lab);
    },
    expect: cause('no-backend', 'balancer'),
  },
  {
    ...unchecked,
    name: 'accept-queue-full',
    sentence: 'The application was stopped, and its accept queue is full.',
    inject: (lab) => listener(lab, 1),
    expect: cause('accept-queue-full', 'server'),
  },
  {
    ...unchecked,
    name: 'reuseport-worker',
    sentence: 'One of two workers that share the port does not accept.',
    inject: (lab) =>
      python(
        lab,
        'server1',
        'import threading',
        'def bound(backlog):',
        '    s = socket.socket()',
        '    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)',
        `    s.bind(("10.0.98.79", ${UNCHECKED_PORT}))`,
        '    s.listen(backlog)',
        '    return s',
        'good, stuck = bound(1000), bound(0)',
        'def accept():',
        '    while True: good.accept()',
        'threading.Thread(target=accept, daemon=True).start()',
        'print("ready")',
      ),
    expect: cause('reuseport-worker', 'server'),
  },
  {
    ...unchecked,
    name: 'syn-queue-full',
    sentence: 'Half-open connections fill the SYN queue, and there are no cookies.',
    inject: (lab) => flooded(lab, 0),
    expect: cause('syn-queue-full', 'server'),
  },
  {
    ...unchecked,
    name: 'syncookies',
    sentence: 'Half-open connections fill the SYN queue, and cookies keep the service up.',
    inject: (lab) => flooded(lab, 1),
    expect: { kind: 'healthy' },
  },
  {
    ...unchecked,
    name: 'min-ttl',
    sentence: 'The listener takes only what comes from the same segment (GTSM).',
    inject: (lab) => listener(lab, 1000, 's.setsockopt(socket.IPPROTO_IP, 21, 255)'),
    expect: cause('min-ttl', 'server'),
  },
  {
    ...unchecked,
    name: 'md5',
    sentence: 'The listener wants TCP MD5 signatures that clients do not send.',
    inject: (lab) =>
      listener(
        lab,
        1000,
        'def sign(peer):',
        '    address = struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(peer))',
        '    s.setsockopt(socket.IPPROTO_TCP, 14, address + struct.pack("=BBHi80s", 0, 0, 3, 0, b"key"))',
        'sign("10.0.88.100")',
        'sign("10.0.88.101")',
      ),
    expect: cause('md5', 'server'),
  },
  {
    ...unchecked,
    name: 'ipsec-policy',
    sentence: 'An IPsec policy of the server blocks the clients.',
    inject: async (lab) => {
      const served = await listener(lab, 1000);
      await ip(lab, 'server1', `xfrm policy add dir in src ${CLIENTS} dst 10.0.98.79 action block`);
      return served;
    },
    expect: cause('ipsec-policy', 'server'),
  },
];

/** The balancer has given up every backend. */
async function untilDown(lab: Lab): Promise<void> {
  await waitUntil(
    async () =>
      (await list<BackendRow>(lab.options.instance, 'balancer', 'backends')).every(
        ({ state }) => state === 'down',
      ),
    { timeoutMs: 10_000, everyMs: 100 },
  );
}

/** Another client that never hears the SYN+ACK keeps the small queue of half-open ones full. */
async function flooded(lab: Lab, cookies: 0 | 1): Promise<Injected> {
  await sysctl(
    lab,
    'server1',
    `net.ipv4.tcp_syncookies=${cookies}`,
    'net.ipv4.tcp_max_syn_backlog=16',
  );
  const served = await listener(lab, 1000);
  await rule(lab, 'client2', 'input', `ip saddr 10.0.98.79 tcp sport ${UNCHECKED_PORT} drop`);
  const flood = startOpening(lab, 'client2', {
    ...{ target: `10.0.98.79:${UNCHECKED_PORT}`, local: CLIENT2_ADDRESS, count: 400 },
    ...{ perSecond: 20, timeoutMs: 60_000 },
  });
  await waitUntil(
    async () => {
      const { stdout } = await lab.run('server1', ['ss', '-Htn', 'state', 'syn-recv']);
      return cookies === 1 || stdout.trim().split('\n').length >= 8;
    },
    { timeoutMs: 10_000, everyMs: 200 },
  );
  return {
    stop: async () => {
      void flood.stop();
      await served.stop?.();
    },
  };
}
