/** Firewall rules that drop what they should not. */
import { cause, type Fault } from './fault.ts';
import { CLIENTS, nft, rule } from './means.ts';

const SYN = 'tcp flags & (syn | ack) == syn';
const SYN_ACK = 'tcp flags & (syn | ack) == (syn | ack)';

export const FILTERS: readonly Fault[] = [
  {
    name: 'server-input-drop',
    sentence: 'A firewall rule of the server drops the SYN.',
    lab: {},
    inject: (lab) =>
      rule(lab, 'server1', 'input', `ip saddr ${CLIENTS} tcp dport 8056 counter drop`),
    expect: cause('server-input-filter', 'server'),
  },
  {
    name: 'server-input-uncounted',
    sentence: 'A firewall rule of the server drops the SYN, and has no counter.',
    lab: {},
    inject: (lab) => rule(lab, 'server1', 'input', `ip saddr ${CLIENTS} tcp dport 8056 drop`),
    expect: cause('server-input-filter', 'server'),
  },
  {
    name: 'server-output-drop',
    sentence: 'A firewall rule of the server drops the SYN+ACK.',
    lab: {},
    inject: (lab) =>
      rule(lab, 'server1', 'output', `ip daddr ${CLIENTS} tcp sport 8056 counter drop`),
    expect: cause('server-output-filter', 'server'),
  },
  {
    name: 'client-output-drop',
    sentence: 'A firewall rule of the client drops its own SYNs.',
    lab: {},
    inject: (lab) => rule(lab, 'client', 'output', 'ip daddr 10.0.23.111 counter drop'),
    expect: cause('client-output-filter', 'client'),
  },
  {
    name: 'client-input-drop',
    sentence: 'A firewall rule of the client drops the SYN+ACK.',
    lab: {},
    inject: (lab) => rule(lab, 'client', 'input', 'ip saddr 10.0.23.111 counter drop'),
    expect: cause('client-input-filter', 'client'),
  },
  {
    name: 'router-filter',
    sentence: 'A firewall rule on the way drops the SYNs of all clients.',
    lab: {},
    inject: (lab) => rule(lab, 'router', 'forward', 'ip daddr 10.0.23.111 counter drop'),
    expect: cause('path-filter', 'router'),
  },
  {
    name: 'ddos-filter',
    sentence: 'A filter in somebody else’s network drops one client, silently.',
    lab: {},
    unseen: ['router'],
    inject: (lab) =>
      rule(lab, 'router', 'forward', 'ip saddr 10.0.88.100 ip daddr 10.0.23.111 drop'),
    expect: cause('lost-on-path', 'client-balancer'),
  },
  {
    name: 'answer-lost',
    sentence: 'The SYN+ACK is lost in somebody else’s network.',
    lab: {},
    unseen: ['router'],
    inject: (lab) => rule(lab, 'router', 'forward', `ip saddr 10.0.23.111 ${SYN_ACK} drop`),
    expect: cause('answer-lost', 'balancer-client'),
  },
  {
    name: 'rate-limit',
    sentence: 'A rule of the server limits new connections to two a second.',
    lab: {},
    inject: (lab) =>
      rule(
        lab,
        'server1',
        'input',
        `ip saddr ${CLIENTS} tcp dport 8056 ${SYN} limit rate over 2/second burst 2 packets counter drop`,
      ),
    expect: cause('rate-limit', 'server'),
  },
  {
    name: 'invalid-state',
    sentence: 'A stateful firewall saw only the answer, and drops what is invalid.',
    lab: {},
    inject: (lab) =>
      nft(
        lab,
        'router',
        'add table ip fault',
        'add chain ip fault p { type filter hook prerouting priority -300; }',
        `add rule ip fault p ${SYN} notrack`,
        'add chain ip fault f { type filter hook forward priority 0; }',
        `add rule ip fault f ip saddr 10.0.23.111 ct state invalid counter drop`,
      ),
    expect: cause('invalid-state', 'router'),
  },
  {
    name: 'option-drop',
    sentence: 'A middlebox drops SYNs with the TCP option of TOA.',
    lab: {},
    inject: (lab) => rule(lab, 'router', 'forward', `${SYN} tcp option 254 exists counter drop`),
    expect: cause(['option-filter', 'option-drop'], 'router'),
  },
  {
    name: 'option-drop-unseen',
    sentence: 'A middlebox in somebody else’s network drops SYNs with the TCP option of TOA.',
    lab: {},
    unseen: ['router'],
    inject: (lab) => rule(lab, 'router', 'forward', `${SYN} tcp option 254 exists drop`),
    expect: cause('option-drop', 'balancer-host'),
  },
  {
    name: 'toa-stripped',
    sentence: 'A middlebox takes TOA out of the SYN.',
    lab: {},
    inject: (lab) => rule(lab, 'router', 'forward', `${SYN} reset tcp option 254`),
    expect: cause('toa-missing', 'router'),
  },
];
