import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readAgentConfig, readBalancerConfig } from '../control/config/read.ts';
import { agentConfig, balancerConfig, localAddresses } from './config.ts';
import { labOptions } from './options.ts';

const localRows = [
  { name: 'one local is the one of the report', lips: 1, expect: '10.0.124.161' },
  { name: 'a few start at it', lips: 3, expect: '10.0.124.161-10.0.124.163' },
  { name: 'fifteen end the range', lips: 15, expect: '10.0.124.161-10.0.124.175' },
  { name: 'sixteen are the range', lips: 16, expect: '10.0.124.160/28' },
];
for (const { name, lips, expect } of localRows) {
  test(name, () => assert.equal(localAddresses(lips), expect));
}

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

const acceptedRows = [
  { name: 'the default lab', options: labOptions() },
  { name: 'the smallest lab', options: labOptions({ servers: 1, lips: 1 }) },
  { name: 'everything at once', options: labOptions({ exchange: true, weights: [3, 1], lips: 7 }) },
  { name: 'classic systems', options: labOptions({ onCollision: 'drop' }) },
];
for (const { name, options } of acceptedRows) {
  test(`the daemons accept the configuration of ${name}`, () => {
    const file = 'lab.yaml';
    const balancer = readBalancerConfig(balancerConfig(options), { file });
    const agent = readAgentConfig(agentConfig(options), { file });
    assert.deepEqual(
      [balancer.ok ? [] : balancer.problems, agent.ok ? [] : agent.problems],
      [[], []],
    );
  });
}
