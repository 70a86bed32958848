/** Files of an agent in socket mode: how little they need, and what they refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipEndpoint, ipRange } from '../../packet/ip.ts';
import { formatProblem } from './problem.ts';
import { readAgentConfig, readConfig } from './read.ts';
import { AGENT, SOCKET_AGENT } from './samples.ts';

test('whom to trust is all that it needs', () => {
  const least = readAgentConfig('mode: socket\ntrustedLocals: [10.0.124.160/28]\n', { file: 'f' });
  assert.ok(least.ok);
  const common = { role: 'agent', mode: 'socket' } as const;
  const trustedLocals = [ipRange('10.0.124.160/28')];
  assert.deepEqual(least.config, { ...common, instance: 'default', trustedLocals, servers: [] });
  const full = readAgentConfig(SOCKET_AGENT, { file: 'f' });
  assert.ok(full.ok);
  assert.deepEqual(full.config, {
    ...{ ...common, instance: 'lab', cgroup: '/sys/fs/cgroup/web.slice', trustedLocals },
    servers: ['10.0.98.79:8056', '10.0.98.80:8056'].map((text) => ({ address: ipEndpoint(text) })),
  });
});

/** Lines of problems, from their beginning on; a file that is right has none. */
const rows: readonly { name: string; text: string; expect: readonly string[] }[] = [
  { name: 'the full file', text: SOCKET_AGENT, expect: [] },
  {
    name: 'both families',
    text: `${SOCKET_AGENT.replace('/28]', '/28, 2001:db8:124::/64]')}  - address: '[2001:db8::79]:8056'\n`,
    expect: [],
  },
  {
    name: 'IPv6 that cannot be meant',
    text: `${SOCKET_AGENT.replace('/28]', '/28, ff02::1, 2001:db8::1/64]')}  - address: 2001:db8::79\n`,
    expect: [
      "f:4:34: trustedLocals[1]: 'ff02::1' is a multicast address",
      "f:4:43: trustedLocals[2]: '2001:db8::1/64' has bits set beyond its prefix",
      "f:8:14: servers[2].address: '2001:db8::79' needs brackets and a port",
    ],
  },
  {
    name: 'IPv6 that overlaps',
    text: SOCKET_AGENT.replace('/28]', '/28, 2001:db8::/64, 2001:db8::7]'),
    expect: ['f:4:49: 2001:db8::7 overlaps 2001:db8::-2001:db8::ffff:ffff:ffff:ffff'],
  },
  {
    name: 'no interfaces and no policy',
    text: `${SOCKET_AGENT}interfaces: [eth0]\nonCollision: remap\n`,
    expect: ['f:8:1: unknown key `interfaces`; known', 'f:9:1: unknown key `onCollision`; known'],
  },
  {
    name: 'packet mode has no cgroup',
    text: `cgroup: /sys/fs/cgroup\n${AGENT}`,
    expect: ['f:1:1: unknown key `cgroup`; known'],
  },
  {
    name: 'a mode that does not exist',
    text: `mode: sockets\n${AGENT}`,
    expect: ["f:1:7: mode: must be 'packet' or 'socket', got 'sockets'; did you mean 'socket'?"],
  },
  {
    name: 'a cgroup is a whole path',
    text: SOCKET_AGENT.replace('/sys/fs/cgroup/web.slice', 'web.slice/'),
    expect: ["f:3:9: cgroup: must be a whole path like /sys/fs/cgroup/web.slice, got 'web.slice/'"],
  },
];

for (const { name, text, expect } of rows)
  test(name, () => {
    const read = readConfig(text, { file: 'f' });
    const lines = read.ok ? [] : read.problems.map(formatProblem);
    assert.deepEqual(
      lines.map((line, i) => line.slice(0, expect[i]?.length)),
      expect,
    );
  });
