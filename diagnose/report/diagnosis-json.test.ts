/** The documented schema is the one that the program's output is checked against. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { DIAGNOSIS_SCHEMA } from './diagnosis-json.ts';

// From dist/diagnose/report/ to the checkout.
const DOCUMENT = new URL('../../../docs/reference/diagnose-json.md', import.meta.url);

test('the document has the schema', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [, block = ''] = /```json\n(\{\n {2}"\$schema"[^]*?)\n```/.exec(text) ?? [];
  assert.deepEqual(JSON.parse(block), JSON.parse(JSON.stringify(z.toJSONSchema(DIAGNOSIS_SCHEMA))));
});
