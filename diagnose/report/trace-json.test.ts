/** The documented schema is the one that the program's output is checked against. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { traceOf } from '../correlate/testing.ts';
import { reportCase } from '../testdata/report-case.ts';
import { traceJson } from './trace-json.ts';
import { TRACE_SCHEMA } from './trace-schema.ts';

// From dist/diagnose/report/ to the checkout.
const DOCUMENT = new URL('../../../docs/reference/trace-json.md', import.meta.url);

test('the document has the schema', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [, block = ''] = /```json\n(\{\n {2}"\$schema"[^]*?)\n```/.exec(text) ?? [];
  assert.deepEqual(JSON.parse(block), JSON.parse(JSON.stringify(z.toJSONSchema(TRACE_SCHEMA))));
});

test('output is as the schema says, healthy conversations only when asked for', async () => {
  const trace = await traceOf(reportCase({ owner: true }));
  const failed = TRACE_SCHEMA.parse(traceJson(trace, { all: false }));
  const all = TRACE_SCHEMA.parse(traceJson(trace, { all: true }));
  assert.deepEqual(failed.summary, all.summary);
  assert.deepEqual([failed.conversations.length, all.conversations.length], [1, 4]);
  assert.deepEqual(
    all.conversations.map(({ outcome }) => outcome),
    ['established', 'established', 'lost', 'established'],
  );
});
