/** Files of an agent in socket mode: how little they need, and what they refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressRange } from '../../packet/address-range.ts';
import { endpoint } from '../../packet/address.ts';
import { formatProblem } from './problem.ts';
import { readAgentConfig, readConfig } from './read.ts';
import { AGENT, SOCKET_AGENT } from './samples.ts';

test('whom to trust is all that it needs', () => {
  const least = readAgentConfig('mode: socket\ntrustedLocals: [10.0.124.160/28]\n', { file: 'f' });
  assert.ok(least.ok);
  const common = { role: 'agent', mode: 'socket' } as const;
  const trustedLocals = [addressRange('10.0.124.160/28')];
  assert.deepEqual(least.config, { ...common, instance: 'default', trustedLocals, servers: [] });
  const full = readAgentConfig(SOCKET_AGENT, { file: 'f' });
  assert.ok(full.ok);
  assert.deepEqual(full.config, {
    ...{ ...common, instance: 'lab', cgroup: '/sys/fs/cgroup/web.slice', trustedLocals },
    servers: ['10.0.98.79:8056', '10.0.98.80:8056'].map((text) => ({ address: endpoint(text) })),
  });
});

/** Lines of problems, from their beginning on; a file that is right has none. */
const rows: readonly { name: string; text: string; expect: readonly string[] }[] = [
  { name: 'the full file', text: SOCKET_AGENT, expect: [] },
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
