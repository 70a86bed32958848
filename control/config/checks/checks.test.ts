import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, ipv4Address } from '../../../packet/address.ts';
import type { Machine } from '../machine.ts';
import { formatProblem } from '../problem.ts';
import { readConfig } from '../read.ts';
import { AGENT, BALANCER, SOCKET_AGENT } from '../samples.ts';

interface Row {
  readonly name: string;
  readonly text: string;
  readonly machine?: Machine;
  readonly expect: readonly string[];
}

const SECOND_LISTENER = `  - { address: 10.0.23.111:18057, pool: web }\npools:`;
const with2 = (listener: string) => BALANCER.replace('pools:', `  - ${listener}\npools:`);
const locals = (more: string) =>
  BALANCER.replace('listeners:', `  - { addresses: ${more} }\nlisteners:`);
const backend = (more: string) => `${BALANCER}      - { address: ${more} }\n`;

const rows: readonly Row[] = [
  {
    name: 'two listeners on different ports are right',
    text: BALANCER.replace('pools:', SECOND_LISTENER),
    expect: [],
  },
  {
    name: 'duplicate listener',
    text: with2('{ address: 10.0.23.111:18056, pool: web }'),
    expect: ['15:16: duplicate listener 10.0.23.111:18056; line 9 has it already'],
  },
  {
    name: 'duplicate listener name',
    text: with2('{ address: 10.0.23.111:80, pool: web, name: web }'),
    expect: ["15:49: duplicate listener name 'web'; line 10 has it already"],
  },
  {
    name: 'VIP that is also a LIP',
    text: with2('{ address: 10.0.124.161:80, pool: web }'),
    expect: [
      '15:16: listener address 10.0.124.161 is also a local (10.0.124.160-10.0.124.175); the two must be different addresses',
    ],
  },
  {
    name: 'overlapping LIP ranges',
    text: locals('10.0.124.170-10.0.124.180'),
    expect: [
      '8:18: 10.0.124.170-10.0.124.180 overlaps 10.0.124.160-10.0.124.175 above; each address may be given once',
    ],
  },
  { name: 'LIP ranges side by side are right', text: locals('10.0.124.176/28'), expect: [] },
  {
    name: 'backend inside a LIP range',
    text: backend('10.0.124.175:80'),
    expect: [
      '21:20: backend 10.0.124.175 lies inside the locals 10.0.124.160-10.0.124.175; a local belongs to the balancer alone',
    ],
  },
  {
    name: 'backend that is a listener',
    text: backend('10.0.23.111:18056'),
    expect: [
      '21:20: backend 10.0.23.111:18056 is a listener of this file: connections would go in circles',
    ],
  },
  {
    name: 'duplicate backend in a pool',
    text: backend('10.0.98.79:8056'),
    expect: [
      "21:20: duplicate backend 10.0.98.79:8056 in pool 'web'; line 19 is the same; give that one a higher weight instead",
    ],
  },
  {
    name: 'one backend in two pools is right',
    text: `${BALANCER}  - { name: other, backends: [{ address: 10.0.98.79:8056 }] }\n`,
    expect: [],
  },
  {
    name: 'duplicate pool',
    text: `${BALANCER}  - { name: web, backends: [{ address: 10.0.98.81:8056 }] }\n`,
    expect: ["21:13: duplicate pool 'web'; line 16 has it already"],
  },
  {
    name: 'empty pool',
    text: `${BALANCER}  - { name: none, backends: [] }\n`,
    expect: ["21:29: pool 'none' is empty; add a backend like - { address: 10.0.98.79:8056 }"],
  },
  {
    name: 'pool without backends at all',
    text: `${BALANCER}  - name: none\n`,
    expect: ["21:5: pool 'none' is empty; add a backend like - { address: 10.0.98.79:8056 }"],
  },
  {
    name: 'unknown pool',
    text: with2('{ address: 10.0.23.111:80, pool: wbe }'),
    expect: ["15:38: unknown pool 'wbe'; did you mean 'web'?"],
  },
  {
    name: 'unknown pool like no other',
    text: with2('{ address: 10.0.23.111:80, pool: mail }'),
    expect: ["15:38: unknown pool 'mail'; pools are: web"],
  },
  {
    name: 'opening longer than established',
    text: BALANCER.replace('opening: 10s', 'opening: 20m'),
    expect: [
      '4:22: timeouts out of order: opening (1200s) must not be longer than established (900s)',
    ],
  },
  {
    name: 'established shorter than the defaults that the file does not mention',
    text: BALANCER.replace(/timeouts: .*/, 'timeouts: { established: 20s }'),
    expect: [
      '4:26: timeouts out of order: closing (120s) must not be longer than established (20s)',
    ],
  },
  {
    name: 'TIME_WAIT shorter than the servers hold it',
    text: BALANCER.replace('timeWait: 64s', 'timeWait: 59s'),
    expect: [
      '4:71: timeouts.timeWait must be at least 60s, got 59s: servers keep a closed connection that long, and would refuse a new one from the same port',
    ],
  },
  {
    name: 'more half-open sessions than sessions',
    text: BALANCER.replace('openingMax: 65536', 'openingMax: 262145'),
    expect: ['5:43: sessions.openingMax (262145) must not exceed sessions.capacity (262144)'],
  },
  {
    name: 'a health check that outlasts its interval',
    text: BALANCER.replace('timeout: 500ms', 'timeout: 2s'),
    expect: ['17:47: health.timeout (2s) must not be longer than health.interval (1s)'],
  },
  {
    name: 'a back-off that is shorter than the interval',
    text: BALANCER.replace('rise: 2', 'backOff: { most: 500ms }'),
    expect: ['17:71: health.backOff.most (500ms) must not be shorter than health.interval (1s)'],
  },
  {
    name: 'a first hold that is longer than the longest',
    text: BALANCER.replace('rise: 2', 'flapping: { hold: 20m }'),
    expect: [
      '17:72: health.flapping.most (600s) must not be shorter than health.flapping.hold (1200s)',
    ],
  },
  {
    name: 'too many local addresses',
    text: locals('10.9.0.0/16'),
    expect: ['7:3: too many local addresses: 65552; at most 4096 are possible'],
  },
  {
    name: 'duplicate server',
    text: AGENT.replace('10.0.98.80', '10.0.98.79'),
    expect: ['9:14: duplicate server 10.0.98.79:8056; line 8 is the same'],
  },
  {
    name: 'duplicate interface',
    text: AGENT.replace('vnet2', 'vnet1'),
    expect: ["4:5: duplicate interface 'vnet1'"],
  },
  {
    name: 'server among the trusted locals',
    text: AGENT.replace('10.0.124.160/28', '10.0.98.0/24'),
    expect: [
      "8:14: server 10.0.98.79 lies inside trustedLocals 10.0.98.0-10.0.98.255; those are the balancer's addresses",
      "9:14: server 10.0.98.80 lies inside trustedLocals 10.0.98.0-10.0.98.255; those are the balancer's addresses",
    ],
  },
  {
    name: 'no trusted locals',
    text: AGENT.replace('[10.0.124.160/28]', '[]'),
    expect: ["6:16: no `trustedLocals`; at least one is needed: the balancer's local addresses"],
  },
  {
    name: 'interfaces that are there, sockets elsewhere',
    text: BALANCER,
    machine: machine({ sockets: ['127.0.0.1:8080', '0.0.0.0:22', '0.0.0.0:8080'] }),
    expect: [],
  },
  {
    name: 'interface that does not exist',
    text: BALANCER.replace('[eth0]', '[eth1]'),
    machine: machine({}),
    expect: ["2:14: interface 'eth1' does not exist; did you mean 'eth0'?"],
  },
  {
    name: "agent's interface that does not exist",
    text: AGENT,
    machine: machine({ interfaces: ['lo', 'vnet1'] }),
    expect: ["4:13: interface 'vnet2' does not exist; did you mean 'vnet1'?"],
  },
  {
    name: 'a socket listens on a LIP',
    text: BALANCER,
    machine: machine({ sockets: ['10.0.124.161:5004'] }),
    expect: [shadowed('10.0.124.161:5004')],
  },
  {
    name: 'a socket on a LIP outside its ports is right',
    text: BALANCER,
    machine: machine({ sockets: ['10.0.124.161:443'] }),
    expect: [],
  },
  {
    name: 'a socket on every address, and a LIP is an address of this machine',
    text: BALANCER,
    machine: machine({ sockets: ['0.0.0.0:8080', '0.0.0.0:22'], addresses: ['10.0.124.161'] }),
    expect: [shadowed('0.0.0.0:8080')],
  },
  {
    name: 'checks from an address of this machine',
    text: BALANCER.replace('rise: 2', 'source: 10.0.98.1'),
    machine: machine({ addresses: ['127.0.0.1', '10.0.98.1'] }),
    expect: [],
  },
  {
    name: 'checks from an address of nobody here',
    text: BALANCER.replace('rise: 2', 'source: 10.0.98.2'),
    machine: machine({ addresses: ['127.0.0.1', '10.0.98.1'] }),
    expect: ['17:62: health.source 10.0.98.2 is no address of this machine; it has: 10.0.98.1'],
  },
  {
    name: 'checks from a LIP',
    text: BALANCER.replace('rise: 2', 'source: 10.0.124.161'),
    expect: ['17:62: health.source 10.0.124.161 is one of `locals`; take another address'],
  },
  {
    name: 'checks from a range',
    text: BALANCER.replace('rise: 2', 'source: 10.0.98.0/24'),
    expect: [
      "17:62: pools[0].health.source: '10.0.98.0/24' is not an IPv4 address like 10.0.88.100",
    ],
  },
  {
    name: 'socket mode without anybody to trust',
    text: SOCKET_AGENT.replace('trustedLocals: [10.0.124.160/28]\n', ''),
    expect: ["1:1: no `trustedLocals`; at least one is needed: the balancer's local addresses"],
  },
  {
    name: 'a server twice, and one that is trusted, in socket mode too',
    text: SOCKET_AGENT.replaceAll(/10\.0\.98\.\d+/g, '10.0.124.161'),
    expect: [
      "6:14: server 10.0.124.161 lies inside trustedLocals 10.0.124.160-10.0.124.175; those are the balancer's addresses",
      '7:14: duplicate server 10.0.124.161:8056; line 6 is the same',
      "7:14: server 10.0.124.161 lies inside trustedLocals 10.0.124.160-10.0.124.175; those are the balancer's addresses",
    ],
  },
  {
    name: 'a cgroup that is there',
    text: SOCKET_AGENT,
    machine: machine({ cgroups: ['/sys/fs/cgroup', '/sys/fs/cgroup/web.slice'] }),
    expect: [],
  },
  {
    name: 'a cgroup that is not there',
    text: SOCKET_AGENT,
    machine: machine({ cgroups: ['/sys/fs/cgroup'] }),
    expect: [
      '3:9: cgroup /sys/fs/cgroup/web.slice does not exist in the v2 hierarchy, whose root is /sys/fs/cgroup',
    ],
  },
  {
    name: 'no cgroups at all',
    text: SOCKET_AGENT.replace('cgroup: /sys/fs/cgroup/web.slice\n', ''),
    machine: machine({}),
    expect: [
      '2:7: socket mode needs the v2 cgroup hierarchy, and it is not mounted; mount -t cgroup2 none /sys/fs/cgroup/unified',
    ],
  },
];

for (const { name, text, machine: given, expect } of rows)
  test(name, () => {
    const read = readConfig(text, {
      file: 'f',
      ...(given === undefined ? {} : { machine: given }),
    });
    assert.deepEqual(
      read.ok ? [] : read.problems.map(formatProblem),
      expect.map((line) => `f:${line}`),
    );
  });

function shadowed(sockets: string): string {
  return (
    `7:18: this machine has listening sockets on locals 10.0.124.160-10.0.124.175: ${sockets}; ` +
    `take addresses of their own for locals, narrow \`ports\`, or bind those services to another address`
  );
}

function machine(has: {
  interfaces?: string[];
  addresses?: string[];
  sockets?: string[];
  cgroups?: string[];
  files?: Readonly<Record<string, string>>;
}): Machine {
  return {
    interfaces: () => has.interfaces ?? ['lo', 'eth0'],
    addresses: () => (has.addresses ?? ['10.0.23.1']).map((text) => ipv4Address(text)),
    listeningSockets: () => (has.sockets ?? []).map(endpoint),
    readText: (path) => {
      const text = has.files?.[path];
      return text === undefined ? { ok: false, message: 'no such file' } : { ok: true, text };
    },
    cgroupRoot: () => has.cgroups?.[0],
    isCgroup: (path) => has.cgroups?.includes(path) ?? false,
  };
}
