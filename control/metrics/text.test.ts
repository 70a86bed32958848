/** The text format, line by line, and what Prometheus' own checker says of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRICS } from './catalogue.ts';
import { promtool } from './testing.ts';
import { metricsText, type Family } from './text.ts';

const FAMILIES: readonly Family[] = [
  {
    name: 'fullnat_listener_connections_total',
    samples: [{ labels: { listener: 'a "b"\\\n', pool: 'web' }, value: 3 }],
  },
  { name: 'fullnat_backend_up', samples: [] },
  { name: 'fullnat_sessions_capacity', samples: [{ labels: {}, value: 0.5 }] },
];

test('counters and gauges; labels are escaped, what has no samples is left out', async () => {
  assert.deepEqual((await metricsText(FAMILIES)).split('\n'), [
    '# HELP fullnat_listener_connections_total Sessions opened.',
    '# TYPE fullnat_listener_connections_total counter',
    'fullnat_listener_connections_total{listener="a \\"b\\"\\\\\\n",pool="web"} 3',
    '# HELP fullnat_sessions_capacity Sessions that the table has room for.',
    '# TYPE fullnat_sessions_capacity gauge',
    'fullnat_sessions_capacity 0.5',
    '',
  ]);
});

test('more samples than are written at a time all come, in order', async () => {
  const samples = Array.from({ length: 1_201 }, (_, i) => ({ labels: {}, value: i }));
  const lines = (await metricsText([{ name: 'fullnat_backend_up', samples }])).split('\n');
  assert.deepEqual(
    lines.slice(2, -1),
    samples.map(({ value }) => `fullnat_backend_up ${value}`),
  );
});

test('every metric of the catalogue is named and described as promtool wants it', async (t) => {
  const { check, skip } = promtool();
  if (skip !== undefined) return t.skip(skip);
  const families = Object.entries(METRICS).map(([name, { type, labels }]): Family => ({
    name: name as Family['name'],
    samples: [
      {
        labels: Object.fromEntries(labels.map((label) => [label, 'x'])),
        value:
          (type as string) === 'histogram'
            ? {
                buckets: [1, 2, Infinity].map((upTo) => ({ upTo, count: upTo === 2 ? 5 : 1 })),
                sum: 7,
              }
            : 1,
      },
    ],
  }));
  assert.equal(check(['check', 'metrics'], await metricsText(families)), '');
});

test('promtool does find what is wrong', async (t) => {
  const { check, skip } = promtool();
  if (skip !== undefined) return t.skip(skip);
  assert.match(check(['check', 'metrics'], '# TYPE fullnat_x counter\nfullnat_x 1\n'), /_total/);
});
