import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { agentConfig, balancerConfig, localAddresses } from './config.ts';
import { counterChanges, parseCounters } from './counters.ts';
import { roleNamed } from './lab.ts';
import { everyOffload, offloadWords } from './offloads.ts';
import { differences, labOptions } from './options.ts';
import { missingFor } from './requirements.ts';
import { nginxConfig } from './servers.ts';
import { parseCommand, commandLine } from './tools/wire.ts';
import { portInTurn } from './tools/open.ts';
import { portRange } from './tools/arguments.ts';
import { clientArgv } from './traffic.ts';

const localRows = [
  { name: 'one local is the one of the report', lips: 1, expect: '10.0.124.161' },
  { name: 'a few start at it', lips: 3, expect: '10.0.124.161-10.0.124.163' },
  { name: 'fifteen end the range', lips: 15, expect: '10.0.124.161-10.0.124.175' },
  { name: 'sixteen are the range', lips: 16, expect: '10.0.124.160/28' },
];
for (const { name, lips, expect } of localRows) {
  test(name, () => assert.equal(localAddresses(lips), expect));
}

test('lips and mtu outside their range are refused', () => {
  assert.throws(() => labOptions({ lips: 0 }), /lips must be an integer in 1..16, got 0/);
  assert.throws(() => labOptions({ lips: 17 }), RangeError);
  assert.throws(() => labOptions({ mtuBytes: 67 }), RangeError);
});

test('equal options make equal labs, and a difference is named', () => {
  assert.deepEqual(differences(labOptions(), labOptions({ weights: [1, 1] })), []);
  assert.deepEqual(differences(labOptions(), labOptions({ servers: 1, config: '/x.yaml' })), [
    'servers',
    'config',
  ]);
});

test('the generated balancer configuration', () => {
  const options = labOptions({ weights: [3, 1], lips: 1, exchange: true });
  assert.deepEqual(parse(balancerConfig(options)), {
    instance: 'lab',
    interfaces: ['eth0'],
    locals: [{ addresses: '10.0.124.161' }],
    listeners: [
      { address: '10.0.23.111:18056', name: 'web', pool: 'web' },
      { address: '10.0.23.111:19056', name: 'exchange', pool: 'exchange' },
    ],
    pools: [
      {
        name: 'web',
        health: { tcp: {}, interval: '250ms', timeout: '200ms', rise: 1, fall: 3 },
        backends: [
          { address: '10.0.98.79:8056', name: 'server1', weight: 3 },
          { address: '10.0.98.80:8056', name: 'server2', weight: 1 },
        ],
      },
      {
        name: 'exchange',
        health: 'off',
        backends: [
          { address: '10.0.98.79:9056', name: 'server1' },
          { address: '10.0.98.80:9056', name: 'server2' },
        ],
      },
    ],
  });
});

test('the generated agent configuration', () => {
  assert.deepEqual(parse(agentConfig(labOptions({ servers: 1, onCollision: 'drop' }))), {
    instance: 'lab',
    interfaces: [{ name: 'vnet1', facing: 'server' }],
    trustedLocals: ['10.0.124.160/28'],
    onCollision: 'drop',
    servers: [{ address: '10.0.98.79:8056' }],
  });
});

test('a server that closes first has no keep-alive', () => {
  assert.match(nginxConfig('server1', '/x', { closeFirst: true }), /keepalive_timeout 0;/);
  assert.match(nginxConfig('server1', '/x', { closeFirst: false }), /keepalive_timeout 75;/);
});

const machineRows: { name: string; uid: number; lacks: string[]; expect: string[] }[] = [
  { name: 'root with everything', uid: 0, lacks: [], expect: [] },
  {
    name: 'not root',
    uid: 1000,
    lacks: [],
    expect: ['root: network namespaces and BPF need it; run the same command with sudo'],
  },
  {
    name: 'programs are named by their packages',
    uid: 0,
    lacks: ['nginx', 'nsenter'],
    expect: ['programs: apt-get install util-linux nginx-light'],
  },
];
for (const { name, uid, lacks, expect } of machineRows) {
  test(name, () => {
    const hasProgram = (program: string) => !lacks.includes(program);
    assert.deepEqual(missingFor({ uid, hasProgram }), expect);
  });
}

test('a namespace is named by its role or in full', () => {
  assert.equal(roleNamed('lab', 'client'), 'client');
  assert.equal(roleNamed('lab', 'fn-host'), 'host');
  assert.equal(roleNamed('demo', 'demo-server1'), 'server1');
  assert.throws(() => roleNamed('demo', 'fn-host'), /no namespace 'fn-host' in lab 'demo'/);
});

test('counters are read by column, and only changes are told', () => {
  const text = (retransmitted: number) =>
    `Tcp: RtoAlgorithm MaxConn RetransSegs\nTcp: 1 -1 ${retransmitted}\n` +
    `TcpExt: SyncookiesSent TCPSynRetrans\nTcpExt: 0 ${retransmitted * 2}\n`;
  const before = parseCounters(text(1));
  assert.equal(before.get('TcpMaxConn'), -1n);
  assert.deepEqual(
    [...counterChanges(before, parseCounters(text(4)))],
    [
      ['TcpRetransSegs', 3n],
      ['TcpExtTCPSynRetrans', 6n],
    ],
  );
});

test('there are eight combinations of offloads, all different', () => {
  const words = everyOffload().map((offloads) => offloadWords(offloads).join(' '));
  assert.equal(words.length, 8);
  // Without transmit checksums there is no TSO; GSO is still there to tell them apart.
  assert.equal(new Set(words).size, 8);
});

const commandRows = [
  { line: 'echo', expect: { kind: 'echo' } },
  { line: 'exchange 5 0', expect: { kind: 'exchange', upBytes: 5, downBytes: 0 } },
  { line: 'exchange 5', expect: undefined },
  { line: 'exchange -1 0', expect: undefined },
  { line: 'GET / HTTP/1.1', expect: undefined },
] as const;
for (const { line, expect } of commandRows) {
  test(`the exchange server reads '${line}' as ${JSON.stringify(expect)}`, () => {
    assert.deepEqual(parseCommand(line), expect);
    if (expect !== undefined) assert.equal(commandLine(expect), `${line}\n`);
  });
}

test('source ports are used in turn', () => {
  const ports = portRange('ports', '5000-5002');
  assert.deepEqual(
    [0, 1, 2, 3].map((turn) => portInTurn(ports, turn)),
    [5000, 5001, 5002, 5000],
  );
  assert.equal(portInTurn(undefined, 7), undefined);
  assert.throws(() => portRange('ports', '5002-5000'), /--ports must be PORT or LOW-HIGH/);
});

test('options become flags', () => {
  assert.deepEqual(clientArgv('open', { perSecond: 5 }).slice(-3), ['open', '--per-second', '5']);
});
