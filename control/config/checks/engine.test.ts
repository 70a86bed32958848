/** What only one of the engines can do is refused for the other, with its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../problem.ts';
import { readConfig } from '../read.ts';

const file = ({
  engine = 'proxy',
  listener = '',
  pool = '',
  virtual = '127.0.23.111:18056',
  interfaces = '',
} = {}) => `engine: ${engine}
${interfaces}
locals: [{ addresses: 127.0.124.160/28 }]
listeners:
  - { address: ${virtual}, pool: web${listener} }
pools:
  - { name: web${pool}, backends: [{ address: 127.0.98.79:8056 }] }
`;

const LOOPBACK =
  'is a loopback address, which never leaves a machine; the portable engine (engine: proxy) can use it';

const rows: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
  ['the portable engine needs no interface, and takes loopback addresses', file(), []],
  ['auto may find them too', file({ engine: 'auto' }), []],
  ['interfaces may stay in the file', file({ interfaces: 'interfaces: [eth0]' }), []],
  ['PROXY protocol', file({ pool: ', proxyProtocol: v2' }), []],
  [
    "the kernel's engine and loopback addresses",
    file({ engine: 'ebpf', interfaces: 'interfaces: [eth0]' }),
    [
      `x:3:23: '127.0.124.160-127.0.124.175' ${LOOPBACK}`,
      `x:5:16: '127.0.23.111:18056' ${LOOPBACK}`,
      `x:7:40: '127.0.98.79:8056' ${LOOPBACK}`,
    ],
  ],
  [
    'PROXY protocol where it may turn out to be TOA',
    file({ engine: 'auto', pool: ', proxyProtocol: v2' }),
    [
      "x:7:33: proxyProtocol is for engine: proxy, and it is auto; the kernel's engine tells servers the client by TOA",
    ],
  ],
  [
    'what needs packets',
    file({ listener: ', toa: syn, onUnknown: drop, onRefused: icmp, synProtection: auto' }),
    [
      'x:5:52: engine: proxy sends no TOA; tell backends the client by proxyProtocol: v2 of the pool, or remove `toa`',
      'x:5:68: engine: proxy leaves unknown packets to the kernel, which answers RST',
      'x:5:85: engine: proxy has accepted a connection when it refuses it, so it can only reset it',
      "x:5:106: engine: proxy leaves SYN floods to the kernel's own cookies (net.ipv4.tcp_syncookies)",
    ],
  ],
  [
    'the same, as it is anyway',
    file({ listener: ', toa: off, onUnknown: reset, onRefused: reset, synProtection: off' }),
    [],
  ],
  [
    'no such engine',
    file({ engine: 'prox' }),
    ["x:1:9: engine: must be 'ebpf' or 'proxy' or 'auto', got 'prox'; did you mean 'proxy'?"],
  ],
];

for (const [name, text, problems] of rows)
  test(name, () => {
    const read = readConfig(text, { file: 'x' });
    assert.deepEqual(read.ok ? [] : read.problems.map(formatProblem), problems);
  });

test('only the portable engine has no TOA unless it is asked for', () => {
  const toaOf = (text: string) => {
    const read = readConfig(text, { file: 'x' });
    assert.ok(read.ok && read.config.role === 'balancer');
    return read.config.listeners[0]?.toa;
  };
  assert.equal(toaOf(file()), 'off');
  assert.equal(toaOf(file({ engine: 'auto' })), 'syn');
});
