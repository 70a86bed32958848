/** What people read of two configurations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressRange } from '../../packet/address-range.ts';
import { readBalancerConfig } from '../config/read.ts';
import { BALANCER } from '../config/samples.ts';
import { differenceOf, formatChange } from './difference.ts';
import { plainOf } from './plain.ts';

function configOf(text: string) {
  const read = readBalancerConfig(text, { file: 'lb.yaml' });
  assert.ok(read.ok, read.ok ? '' : JSON.stringify(read.problems));
  return read.config;
}
const lines = async (before: object, after: object) =>
  (await differenceOf(before, after)).map(formatChange);

const WEB = 'pools.web.backends';
const rows: { name: string; change: (text: string) => string; lines: readonly string[] }[] = [
  { name: 'nothing', change: (text) => text, lines: [] },
  { name: 'a comment', change: (text) => `# ours\n${text}`, lines: [] },
  {
    name: 'a default that is said',
    change: (text) => text.replace('8080', '8080').replace('    toa: syn\n', ''),
    lines: [],
  },
  {
    name: 'a weight',
    change: (text) => text.replace('weight: 3', 'weight: 5'),
    lines: [`~ ${WEB}.10.0.98.79:8056.weight: 3 → 5`],
  },
  {
    name: 'a duration is said as in the file',
    change: (text) => text.replace('established: 900s', 'established: 30m'),
    lines: ['~ timeouts.established: 900s → 1800s'],
  },
  {
    name: 'the order of backends',
    change: (text) => {
      const [one = '', two = ''] = text.split('\n').filter((line) => line.includes('10.0.98.'));
      return text.replace(one, 'ONE').replace(two, one).replace('ONE', two);
    },
    lines: [],
  },
  {
    name: 'a backend goes',
    change: (text) => text.replace(/ {6}- \{ address: 10.0.98.80:8056 \}\n/, ''),
    lines: [
      `- ${WEB}.10.0.98.80:8056: { address: 10.0.98.80:8056, weight: 1, maxSessions: 0, name: 10.0.98.80:8056 }`,
    ],
  },
  {
    name: 'a backend comes',
    change: (text) => `${text}      - { address: 10.0.98.81:8056 }\n`,
    lines: [
      `+ ${WEB}.10.0.98.81:8056: { address: 10.0.98.81:8056, weight: 1, maxSessions: 0, name: 10.0.98.81:8056 }`,
    ],
  },
  {
    name: 'interfaces, by what comes and goes',
    change: (text) => text.replace('[eth0]', '[eth0, eth1]'),
    lines: ['~ interfaces: 1 elements → with eth1'],
  },
];

for (const { name, change, lines: expected } of rows)
  test(name, async () => {
    const changed = await lines(configOf(BALANCER), configOf(change(BALANCER)));
    /* what a backend has by default is not the point here */
    const plain = (line: string) => line.replace(/\{.*\}/, '{}');
    assert.deepEqual(changed.map(plain), expected.map(plain));
  });

test('what a client of the API may is a difference', async () => {
  const api = (role: string) => ({ api: { clients: [{ name: 'ops', role }] } });
  assert.deepEqual(await lines(api('read'), api('admin')), [
    '~ api.clients.ops.role: read → admin',
  ]);
});

test('of a long list only what comes and goes is said, and not all of that', async () => {
  const list = (count: number) => ({
    deny: Array.from({ length: count }, (_, i) => addressRange(`10.${i >> 8}.${i & 255}.1`)),
  });
  const [line] = await lines(list(1_000), list(1_007));
  assert.match(line ?? '', /^~ deny: 1000 elements → with 10\.3\.232\.1, .* and 2 more$/);
});

test('what is compared with itself is the same; the difference is the other way round backwards', async () => {
  const value = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,3}$/),
    fc.oneof(
      fc.integer(),
      fc.string(),
      fc.array(fc.record({ name: fc.stringMatching(/^[a-z]$/), size: fc.nat(3) }), {
        maxLength: 3,
      }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(value, value, async (a, b) => {
      assert.deepEqual(await differenceOf(a, structuredClone(a)), []);
      const [there, back] = [await differenceOf(a, b), await differenceOf(b, a)];
      const reversed = { add: 'remove', remove: 'add', change: 'change' } as const;
      assert.deepEqual(
        there.map(({ op, path }) => `${op} ${path}`).toSorted(),
        back.map(({ op, path }) => `${reversed[op]} ${path}`).toSorted(),
      );
    }),
    { numRuns: 100 },
  );
});

test('a configuration in plain values is one that can be read again', () => {
  const config = configOf(BALANCER);
  const { timeouts, locals } = plainOf(config) as { timeouts: object; locals: unknown[] };
  assert.deepEqual(timeouts, {
    opening: '10s',
    established: '900s',
    closing: '120s',
    timeWait: '64s',
    reset: '10s',
  });
  assert.deepEqual(locals, [{ addresses: '10.0.124.160-10.0.124.175', ports: '1024-65535' }]);
});
