import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressRange, portRange } from '../../packet/address-range.ts';
import { endpoint } from '../../packet/address.ts';
import { formatProblem } from './problem.ts';
import { readAgentConfig, readBalancerConfig, readConfig } from './read.ts';
import { AGENT, BALANCER } from './samples.ts';

test('a short balancer file is completed with every default', () => {
  const text = `
interfaces: [eth0]
locals: [{ addresses: 10.0.124.160/28 }]
listeners: [{ address: 10.0.23.111:18056, pool: web }]
pools: [{ name: web, backends: [{ address: 10.0.98.79:8056 }] }]
`;
  assert.deepEqual(readConfig(text, { file: 'lb.yaml' }), {
    ok: true,
    config: {
      role: 'balancer',
      instance: 'default',
      engine: 'ebpf',
      interfaces: ['eth0'],
      profile: 'lb',
      timeouts: {
        openingMs: 10_000,
        establishedMs: 900_000,
        closingMs: 120_000,
        timeWaitMs: 64_000,
        resetMs: 10_000,
      },
      sessions: { capacity: 262_144, openingMax: 65_536 },
      locals: [{ addresses: addressRange('10.0.124.160/28'), ports: portRange('1024-65535') }],
      accessLists: [],
      listeners: [
        {
          name: '10.0.23.111:18056',
          address: endpoint('10.0.23.111:18056'),
          pool: 'web',
          toa: 'syn',
          onUnknown: 'reset',
          onRefused: 'reset',
          maxSessions: 0,
          synProtection: 'auto',
          synThreshold: 16_384,
        },
      ],
      pools: [
        {
          name: 'web',
          proxyProtocol: 'off',
          health: {
            ...{ kind: 'tcp', intervalMs: 1_000, timeoutMs: 500, rise: 2, fall: 3 },
            backOff: { after: 60, mostMs: 8_000 },
            flapping: { falls: 5, withinMs: 120_000, holdMs: 30_000, mostMs: 600_000 },
          },
          scheduler: { kind: 'round-robin' },
          slowStartMs: 0,
          panicThreshold: 0,
          drain: { durationMs: 300_000, afterwards: 'reset' },
          onDown: 'keep',
          backends: [
            {
              name: '10.0.98.79:8056',
              address: endpoint('10.0.98.79:8056'),
              weight: 1,
              backup: false,
              maxSessions: 0,
            },
          ],
        },
      ],
    },
  });
});

test("an agent's file: policy and ports of the top apply where a server has none of its own", () => {
  const text = `
profile: rfc5382
interfaces: [{ name: vnet1, facing: server }, { name: eth0, facing: network }]
trustedLocals: [10.0.124.160/28, 10.0.124.200]
servers:
  - address: 10.0.98.79:8056
  - { address: 10.0.98.80:8056, onCollision: drop, remapPorts: 5000-5999 }
onCollision: local
sessions: { capacity: 1Ki }
`;
  const read = readAgentConfig(text, { file: 'agent.yaml' });
  assert.ok(read.ok);
  assert.deepEqual(read.config, {
    role: 'agent',
    mode: 'packet',
    instance: 'default',
    profile: 'rfc5382',
    interfaces: [
      { name: 'vnet1', facing: 'server' },
      { name: 'eth0', facing: 'network' },
    ],
    timeouts: {
      openingMs: 240_000,
      establishedMs: 7_440_000,
      closingMs: 240_000,
      timeWaitMs: 240_000,
      resetMs: 240_000,
    },
    sessions: { capacity: 1_024, openingMax: 256 },
    trustedLocals: [addressRange('10.0.124.160/28'), addressRange('10.0.124.200')],
    servers: [
      {
        address: endpoint('10.0.98.79:8056'),
        onCollision: 'local',
        remapPorts: portRange('10000-19999'),
      },
      {
        address: endpoint('10.0.98.80:8056'),
        onCollision: 'drop',
        remapPorts: portRange('5000-5999'),
      },
    ],
  });
});

/** Every line that is expected; a file that is right has none. */
const rows: readonly { name: string; text: string; expect: readonly string[] }[] = [
  { name: 'the full balancer file', text: BALANCER, expect: [] },
  { name: 'the full agent file', text: AGENT, expect: [] },
  {
    name: 'a mistyped key gets a suggestion, and what it hid is missed',
    text: BALANCER.replace('listeners:', 'lisetners:'),
    expect: [
      'f:1:1: no `listeners`; at least one is needed: the addresses that clients connect to',
      'f:8:1: unknown key `lisetners`; did you mean `listeners`?',
    ],
  },
  {
    name: 'a key like no other: what is known',
    text: BALANCER.replace('weight: 3', 'colour: red'),
    expect: [
      'f:19:37: pools[0].backends[0]: unknown key `colour`; known here: address, weight, backup, maxSessions, name',
    ],
  },
  {
    name: 'IPv6 anywhere is not yet',
    text: BALANCER.replace('10.0.23.111:18056', '"[2001:db8::1]:80"')
      .replace('10.0.124.160/28', 'fd00::/64')
      .replace('10.0.98.80:8056', '"[::ffff:10.0.0.1]:80"'),
    expect: [
      "f:7:18: locals[0].addresses: 'fd00::/64' is IPv6; IPv6 is not supported yet",
      "f:9:14: listeners[0].address: '[2001:db8::1]:80' is IPv6; IPv6 is not supported yet",
      "f:20:20: pools[0].backends[1].address: '[::ffff:10.0.0.1]:80' is IPv6; IPv6 is not supported yet",
    ],
  },
  {
    name: 'weights outside 0..65535',
    text: BALANCER.replace('weight: 3', 'weight: 65536'),
    expect: ['f:19:45: pools[0].backends[0].weight: must be a whole number in 0..65535, got 65536'],
  },
  {
    name: 'a number in quotes is not a number',
    text: BALANCER.replace('weight: 3', 'weight: "3"'),
    expect: ["f:19:45: pools[0].backends[0].weight: must be a whole number in 0..65535, got '3'"],
  },
  {
    name: 'bad port, bad address, loopback, multicast, port 0',
    text: BALANCER.replace(
      /- \{ address: 10.0.98.80:8056 \}/,
      ['10.0.98.80:99999', '10.0.98:1', '127.0.0.1:80', '239.1.1.1:80', '10.0.98.80:0']
        .map((address) => `- { address: "${address}" }`)
        .join('\n      '),
    ),
    expect: [
      'f:20:20: pools[0].backends[1].address: port must be in 0..65535, got 99999',
      "f:21:20: pools[0].backends[2].address: '10.0.98' is not an IPv4 address like 10.0.88.100",
      "f:22:20: '127.0.0.1:80' is a loopback address, which never leaves a machine; the portable engine (engine: proxy) can use it",
      "f:23:20: pools[0].backends[4].address: '239.1.1.1:80' is a multicast address; TCP needs a unicast one",
      "f:24:20: pools[0].backends[5].address: '10.0.98.80:0' has port 0; allowed are 1..65535",
    ],
  },
  {
    name: 'a block with host bits names the block',
    text: BALANCER.replace('160/28', '161/28'),
    expect: [
      "f:7:18: locals[0].addresses: '10.0.124.161/28' has bits set beyond its prefix; the block is 10.0.124.160/28",
    ],
  },
  {
    name: 'ports the wrong way round',
    text: BALANCER.replace('1024-65535', '65535-1024'),
    expect: [
      "f:7:42: locals[0].ports: '65535-1024' ends before it begins; write the lower port first",
    ],
  },
  {
    name: 'a duration without unit, and one that is too long',
    text: BALANCER.replace('established: 900s', 'established: 900').replace(
      'closing: 120s',
      'closing: 999h',
    ),
    expect: [
      "f:4:40: timeouts.established: '900' has no unit; write 900s or 900ms",
      "f:4:54: timeouts.closing: must be in 1s..480h, got '999h'",
    ],
  },
  {
    name: 'a word that is not one of the allowed ones',
    text: BALANCER.replace('toa: syn', 'toa: sny'),
    expect: [
      "f:12:10: listeners[0].toa: must be 'off' or 'syn' or 'handshake', got 'sny'; did you mean 'syn'?",
    ],
  },
  {
    name: 'capacity beyond its bounds',
    text: BALANCER.replace('262144', '17M'),
    expect: [
      "f:5:23: sessions.capacity: must be a whole number in 1..16777216 (256Ki and 1M also work), got '17M'",
    ],
  },
  {
    name: 'something missing is told where it should be',
    text: BALANCER.replace('pool: web', 'maxSessions: 5'),
    expect: ['f:9:5: listeners[0].pool: is missing'],
  },
  {
    name: 'an empty value is not a missing one',
    text: BALANCER.replace('pool: web', 'pool:'),
    expect: ['f:11:5: listeners[0].pool: is empty; give it a value or remove the line'],
  },
  {
    name: 'a mistake inside health is found there',
    text: BALANCER.replace('rise: 2', 'rize: 2').replace('interval: 1s', 'interval: 1'),
    expect: [
      "f:17:34: pools[0].health.interval: '1' has no unit; write 1s or 1ms",
      'f:17:53: pools[0].health: unknown key `rize`; did you mean `rise`?',
    ],
  },
  {
    name: 'one element wrong does not hide what is wrong with the others, nor shift their places',
    text: BALANCER.replace(
      '- { address: 10.0.98.79:8056, weight: 3, name: server1 }',
      '- { address: nonsense }',
    ).replace(
      '- { address: 10.0.98.80:8056 }',
      '- { address: 10.0.98.80:8056 }\n      - { address: 10.0.98.80:8056 }',
    ),
    expect: [
      "f:19:20: pools[0].backends[0].address: 'nonsense' is not an address and port like 10.0.23.111:80",
      "f:21:20: duplicate backend 10.0.98.80:8056 in pool 'web'; line 20 is the same; give that one a higher weight instead",
    ],
  },
  {
    name: 'a pool whose only backend is wrong is not called empty, nor unknown',
    text: BALANCER.replace(/ {6}- \{ address: 10.0.98.79.*\n/, '').replace('10.0.98.80:8056', 'x'),
    expect: [
      "f:19:20: pools[0].backends[0].address: 'x' is not an address and port like 10.0.23.111:80",
    ],
  },
  {
    name: 'broken YAML',
    text: 'listeners: [1\n',
    expect: [
      'f:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    name: 'a key given twice',
    text: `${BALANCER}instance: b\n`,
    expect: ['f:21:1: Map keys must be unique'],
  },
  { name: 'an empty file', text: '', expect: ['f:1:1: the file is empty'] },
  {
    name: 'neither file',
    text: 'hello: world\n',
    expect: [
      "f:1:1: neither a balancer's nor an agent's file: a balancer has listeners, pools, locals; an agent has servers, trustedLocals",
    ],
  },
  {
    name: 'a value of the wrong kind',
    text: 'listeners: 5\nlocals: {}\npools: [1]\ninterfaces: [eth0]\n',
    expect: [
      "f:1:12: listeners: must be a list, got 5; put a '- ' before each element",
      "f:2:9: locals: must be a list, got keys and values; put a '- ' before each element",
      'f:3:9: pools[0]: must be keys and values, got 1',
    ],
  },
];

for (const { name, text, expect } of rows)
  test(name, () => {
    assert.deepEqual(problemsOf(text), expect);
  });

test("a daemon refuses the other's file", () => {
  const read = readBalancerConfig(AGENT, { file: 'f' });
  assert.deepEqual(read.ok ? [] : read.problems.map(formatProblem), [
    'f:1:1: this is the file of an agent; give it to `fullnat agent -c`',
  ]);
});

test('aliases are followed to their place', () => {
  const text = BALANCER.replace('[eth0]', '&nics [eth0, eth0]');
  assert.deepEqual(problemsOf(text), ["f:2:26: duplicate interface 'eth0'"]);
});

function problemsOf(text: string): string[] {
  const read = readConfig(text, { file: 'f' });
  return read.ok ? [] : read.problems.map(formatProblem);
}
