/** Routes, neighbours, settings and queues that lose packets. */
import { setOffloads } from '../offloads.ts';
import { cause, type Fault } from './fault.ts';
import { ip, listener, python, rule, sysctl, UNCHECKED } from './means.ts';

const unchecked = { lab: { exchange: true }, target: UNCHECKED } as const;
const BACKLOG = 1000;

export const NETWORK: readonly Fault[] = [
  {
    name: 'rp-filter',
    sentence: 'The server’s reverse path filter finds the client behind another interface.',
    lab: {},
    inject: async (lab) => {
      await ip(
        lab,
        'server1',
        'link add other type bridge',
        'link set other up',
        'route add 10.0.88.0/24 dev other',
      );
      await sysctl(lab, 'server1', 'net.ipv4.conf.eth0.rp_filter=1');
    },
    expect: cause('rp-filter', 'server'),
  },
  {
    name: 'no-route-back',
    sentence: 'The server has no route back to the clients.',
    lab: {},
    inject: (lab) =>
      ip(lab, 'server1', 'route del default', 'route add 10.0.23.0/24 via 10.0.98.1'),
    expect: cause('no-route-back', 'server'),
  },
  {
    ...unchecked,
    name: 'blackhole-route',
    sentence: 'The router has a blackhole route for the server.',
    inject: async (lab) => {
      const served = await listener(lab, BACKLOG);
      await ip(lab, 'router', 'route add blackhole 10.0.98.79/32');
      return served;
    },
    expect: cause('dead-end-route', 'router'),
  },
  {
    ...unchecked,
    name: 'arp-failure',
    sentence: 'The server does not answer ARP.',
    inject: async (lab) => {
      const served = await listener(lab, BACKLOG);
      await ip(lab, 'server1', 'link set eth0 arp off');
      await ip(lab, 'router', 'neigh flush dev host');
      return served;
    },
    expect: cause('neighbour-failed', 'router'),
  },
  {
    ...unchecked,
    name: 'wrong-mac',
    sentence: 'The router has another machine’s link-layer address for the server.',
    inject: async (lab) => {
      const served = await listener(lab, BACKLOG);
      await ip(
        lab,
        'router',
        'neigh replace 10.0.98.79 lladdr 02:00:00:00:00:99 dev host nud permanent',
      );
      return served;
    },
    expect: cause('wrong-mac', 'server'),
  },
  {
    name: 'not-forwarding',
    sentence: 'The router does not forward.',
    lab: {},
    inject: (lab) => sysctl(lab, 'router', 'net.ipv4.ip_forward=0'),
    expect: cause('not-forwarding', 'router'),
  },
  {
    name: 'client-blackhole',
    sentence: 'The client has a route for the listener that leads nowhere.',
    lab: {},
    inject: (lab) => ip(lab, 'client', 'route add blackhole 10.0.23.111/32'),
    expect: cause('dead-end-route', 'client'),
  },
  {
    name: 'ttl-expired',
    sentence: 'Packets are sent with a time to live that ends at the router.',
    lab: {},
    inject: (lab) => rule(lab, 'client', 'postrouting', 'ip daddr 10.0.23.111 ip ttl set 1'),
    expect: cause('bad-ip-header', 'router'),
  },
  {
    name: 'mtu-black-hole',
    sentence: 'A link on the way takes smaller packets, and nobody is told.',
    lab: {},
    words: ['--data'],
    inject: async (lab) => {
      await ip(lab, 'router', 'link set host mtu 1200');
      await rule(lab, 'router', 'output', 'icmp type destination-unreachable drop');
    },
    expect: cause('mtu', 'router'),
  },
  {
    ...unchecked,
    name: 'bad-checksum',
    sentence: 'A middlebox breaks the TCP checksum.',
    inject: async (lab) => {
      const served = await listener(lab, BACKLOG);
      // With offloads on, checksums are computed last, and nobody would notice.
      const off = { gso: false, gro: false, txChecksum: false };
      await setOffloads(lab.options.instance, { role: 'client', device: 'eth0' }, off);
      await rule(lab, 'router', 'postrouting', 'tcp dport 9056 tcp checksum set 0xdead');
      return served;
    },
    expect: cause('bad-tcp-checksum', 'server'),
  },
  {
    ...unchecked,
    name: 'queue-limit',
    sentence: 'The host’s NIC towards the server is at its bandwidth limit.',
    inject: async (lab) => {
      const served = await listener(lab, BACKLOG);
      const tbf = ['tbf', 'rate', '64kbit', 'burst', '1600', 'limit', '3000'];
      await lab.run('host', ['tc', 'qdisc', 'add', 'dev', 'vnet1', 'root', ...tbf]);
      const load = await python(
        lab,
        'client2',
        'import threading',
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
        'def send():',
        '    while True:',
        '        s.sendto(bytes(1000), ("10.0.98.79", 9)); time.sleep(0.002)',
        'threading.Thread(target=send, daemon=True).start()',
        'print("ready")',
      );
      return {
        stop: async () => {
          await load.stop?.();
          await served.stop?.();
        },
      };
    },
    expect: cause('qdisc-drop', 'host'),
  },
];
