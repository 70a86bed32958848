import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { z } from 'zod';
import { agentSchema } from './agent.ts';
import { balancerSchema } from './balancer.ts';
import { formatProblem } from './problem.ts';
import { readConfig } from './read.ts';
import { socketAgentSchema } from './socket-agent.ts';

// From dist/control/config/ to the package.
const PACKAGE = new URL('../../../', import.meta.url);
const REFERENCE = 'docs/reference/configuration.md';
const GUIDES = readdirSync(new URL('docs/guides/', PACKAGE)).map((name) => `docs/guides/${name}`);

/** A whole file, and not a few lines of one. */
const IS_WHOLE = /^(listeners|trustedLocals):/m;

for (const document of ['README.md', REFERENCE, ...GUIDES])
  test(`every configuration in ${document} is right`, () => {
    for (const text of yamlBlocks(contentOf(document)).filter((block) => IS_WHOLE.test(block))) {
      const read = readConfig(text, { file: document });
      assert.ok(read.ok, read.ok ? '' : `${read.problems.map(formatProblem).join('\n')}\n${text}`);
    }
  });

test('the reference has an example of each kind', () => {
  const kinds = yamlBlocks(contentOf(REFERENCE)).map((text) => {
    const read = readConfig(text, { file: REFERENCE });
    assert.ok(read.ok);
    return read.config.role === 'agent' ? read.config.mode : read.config.role;
  });
  assert.deepEqual(kinds, [
    'balancer',
    'balancer',
    'balancer',
    'balancer',
    'balancer',
    'packet',
    'socket',
  ]);
});

test('the reference has every key', () => {
  const text = contentOf(REFERENCE);
  const known = [balancerSchema, agentSchema, socketAgentSchema].flatMap(keysOf);
  assert.ok(known.includes('maxSessions') && known.includes('openingMax'), 'keys were found');
  // Read by hand in the balancer's schema, and so not found there.
  const ofHealth = [
    'tcp',
    'http',
    'https',
    'port',
    'source',
    'method',
    'path',
    'host',
    'status',
    'body',
    'verify',
    'serverName',
    'interval',
    'timeout',
    'rise',
    'fall',
    'backOff',
    'after',
    'most',
    'flapping',
    'falls',
    'within',
    'hold',
  ];
  for (const key of [...known, ...ofHealth])
    assert.match(text, new RegExp(`\`(sessions\\.)?${key}\``), key);
});

function contentOf(path: string): string {
  return readFileSync(new URL(path, PACKAGE), 'utf8');
}

function yamlBlocks(text: string): string[] {
  return [...text.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, block = '']) => block);
}

/** Of a schema and all that is inside it. */
function keysOf(schema: z.core.$ZodType): string[] {
  const def = (schema as z.ZodType).def as unknown as Record<string, unknown>;
  const inner = ['innerType', 'element', 'in'].flatMap((part) =>
    def[part] === undefined ? [] : keysOf(def[part] as z.core.$ZodType),
  );
  const shape = (def['shape'] ?? {}) as Record<string, z.core.$ZodType>;
  return [...inner, ...Object.entries(shape).flatMap(([key, of]) => [key, ...keysOf(of)])];
}
