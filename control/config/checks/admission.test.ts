import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipv4Address } from '../../../packet/address.ts';
import type { Machine } from '../machine.ts';
import { formatProblem } from '../problem.ts';
import { readConfig } from '../read.ts';
import { BALANCER } from '../samples.ts';

const lists = (...all: string[]) =>
  BALANCER.replace(
    'listeners:',
    `accessLists:\n${all.map((one) => `  - ${one}\n`).join('')}listeners:`,
  );
const listener = (more: string, text: string = BALANCER) =>
  text.replace('    pool: web\n', `    pool: web\n    ${more}\n`);

/** The file, and what is wrong with it. */
const ROWS: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
  [
    'lists, rates and limits that fit together are right',
    listener(
      'access: some\n    rateLimit: { connectionsPerSecond: 10k }\n    perClient: { prefix: 24, connectionsPerSecond: 5, burst: 20, maxSessions: 10, maxOpening: 5 }',
      lists(
        '{ name: some, deny: [0.0.0.0/0], allow: [10.0.0.0/8, 192.0.2.7, 192.0.2.20-192.0.2.29] }',
      ),
    ),
    [],
  ],
  [
    'a list that does not exist',
    listener('access: blokced', lists('{ name: blocked, deny: [192.0.2.0/24] }')),
    ["x.yaml:14:13: unknown access list 'blokced'; did you mean 'blocked'?"],
  ],
  [
    'a list where there are none',
    listener('access: blocked'),
    ["x.yaml:12:13: unknown access list 'blocked'; there are none"],
  ],
  [
    'a list twice',
    lists('{ name: a, deny: [192.0.2.1] }', '{ name: a, deny: [192.0.2.2] }'),
    ["x.yaml:10:13: duplicate access list 'a'; line 9 has it already"],
  ],
  [
    'a list that says nothing',
    lists('{ name: a }'),
    ["x.yaml:9:5: access list 'a' is empty; add allow, deny, allowFile or denyFile"],
  ],
  [
    'a list that contradicts itself',
    lists('{ name: a, allow: [192.0.2.0/24], deny: [192.0.2.0-192.0.2.255] }'),
    ["x.yaml:9:45: access list 'a' allows and denies 192.0.2.0/24; leave one of them out"],
  ],
  [
    'a prefix that is none',
    lists('{ name: a, deny: [10.0.0.1/8] }'),
    [
      "x.yaml:9:23: accessLists[0].deny[0]: '10.0.0.1/8' has bits set beyond its prefix; the block is 10.0.0.0/8",
    ],
  ],
  [
    'a file that is not there',
    lists('{ name: a, denyFile: /nowhere.txt }'),
    ['x.yaml:9:26: /nowhere.txt cannot be read: no such file'],
  ],
  [
    'a file with lines that are no addresses',
    lists('{ name: a, allowFile: /bad.txt }'),
    [
      "x.yaml:9:27: /bad.txt:2: '10.0.0.300' has a number above 255: 300",
      "x.yaml:9:27: /bad.txt:3: 'nonsense' is not an IPv4 address like 10.0.88.100",
    ],
  ],
  ['a file as it comes', lists('{ name: a, denyFile: /good.txt }'), []],
  [
    'a client that is limited in nothing',
    listener('perClient: { prefix: 24 }'),
    [
      'x.yaml:12:16: perClient limits nothing; give connectionsPerSecond, maxSessions or maxOpening',
    ],
  ],
  [
    'a burst of no rate',
    listener('perClient: { burst: 7, maxSessions: 1 }'),
    ['x.yaml:12:25: perClient.burst needs perClient.connectionsPerSecond'],
  ],
  [
    'a rate of nothing',
    listener('rateLimit: { burst: 7 }'),
    ['x.yaml:12:16: listeners[0].rateLimit.connectionsPerSecond: is missing'],
  ],
  [
    'a threshold of half-open sessions for SYN cookies',
    listener('synProtection: auto\n    synThreshold: 1k'),
    [],
  ],
  [
    'a threshold that nobody asks',
    listener('synProtection: always\n    synThreshold: 1k'),
    ['x.yaml:13:19: synThreshold is for synProtection: auto, and it is always'],
  ],
  [
    'a threshold that is never reached',
    listener('synProtection: auto\n    synThreshold: 1M'),
    [
      'x.yaml:13:19: synThreshold (1000000) must not exceed sessions.openingMax (65536): with so many, half-open sessions give way before cookies begin',
    ],
  ],
  [
    'a backend with two limits',
    `${BALANCER}  - { name: b, backends: [{ address: 10.0.98.79:8056, maxSessions: 7 }] }\n`,
    [
      'x.yaml:21:27: maxSessions is 7 here and 0 in line 19 for the same backend; its sessions are counted once, so say the same',
    ],
  ],
];

for (const [name, text, problems] of ROWS)
  test(name, () => {
    const read = readConfig(text, { file: 'x.yaml', machine: MACHINE });
    assert.deepEqual(read.ok ? [] : read.problems.map(formatProblem), problems);
  });

const FILES: Readonly<Record<string, string>> = {
  '/bad.txt': '10.0.0.1\n10.0.0.300\nnonsense # of course\n',
  '/good.txt': '; a comment\n\n10.0.0.0/8 ; SBL1\r\n192.0.2.1-192.0.2.9 # so\n',
};
const MACHINE: Machine = {
  interfaces: () => ['lo', 'eth0'],
  addresses: () => [ipv4Address('10.0.23.1')],
  listeningSockets: () => [],
  cgroupRoot: () => undefined,
  isCgroup: () => false,
  readText: (path) => {
    const text = FILES[path];
    return text === undefined ? { ok: false, message: 'no such file' } : { ok: true, text };
  },
};
