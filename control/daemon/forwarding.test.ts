/** The kernel's forwarding switches, read from a table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MachineError, requireForwarding } from './forwarding.ts';

const read = (switches: Record<string, string>) => (path: string) => {
  const value = switches[path.split('/').at(-2) ?? ''];
  if (value === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
  return `${value}\n`;
};

test('on everywhere', () => requireForwarding(['eth0', 'eth1'], read({ eth0: '1', eth1: '1' })));

const rows = [
  {
    name: 'off: the line that switches it on',
    interfaces: ['eth0'],
    switches: { eth0: '0' },
    expect:
      /^IPv4 forwarding is off on eth0,.*run:\n {2}sysctl -w net\.ipv4\.conf\.eth0\.forwarding=1$/,
  },
  {
    name: 'a dot in the name',
    interfaces: ['eth0.7'],
    switches: { 'eth0.7': '0' },
    expect: /net\.ipv4\.conf\.eth0\/7\.forwarding=1$/,
  },
  {
    name: 'all that are off at once',
    interfaces: ['a', 'b', 'c'],
    switches: { a: '0', b: '1', c: '0' },
    expect: /off on a, c,/,
  },
  {
    name: 'no such interface',
    interfaces: ['eht0'],
    switches: {},
    expect: /no network interface eht0/,
  },
];

for (const { name, interfaces, switches, expect } of rows)
  test(name, () =>
    assert.throws(
      () => requireForwarding(interfaces, read(switches)),
      (error) => error instanceof MachineError && expect.test(error.message),
    ),
  );
