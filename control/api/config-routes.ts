/** The routes of what a daemon is told to do: the same for every role. */
import { z } from 'zod';
import { revisionSchema } from '../state/revisions.ts';
import { fileReader, flagReader, wholeNumber } from './query.ts';
import { list, route, type Answer } from './route.ts';

const REVISION_MOST = 999_999_999;

const yaml = { kind: 'text', mediaType: 'application/yaml' } as const satisfies Answer;

export const changeRow = z.object({
  op: z.enum(['add', 'remove', 'change']),
  path: z.string().meta({ examples: ['pools.web.backends.10.0.98.79:8056.weight'] }),
  from: z.string().optional(),
  to: z.string().optional(),
});

/** What was changed beside the file, and so differs from it. */
export const driftRow = z.object({
  path: z.string(),
  file: z.string().describe('as the configuration says'),
  now: z.string().describe('as it is'),
  by: z.string(),
  at: z.string(),
});

export const outcome = z.object({
  revision: z.int().describe('in force afterwards'),
  applied: z.boolean().describe('false when nothing changes, or nothing was to'),
  changes: z.array(changeRow),
  drift: z.array(driftRow).describe('what was changed beside the file and stays so'),
});

export const CONFIG_ROUTES = {
  config: route({
    ...{ method: 'GET', path: '/v1/config', role: 'read', query: {} },
    summary: 'The configuration in force, as its file has it; its revision is the ETag',
    ...{ body: { kind: 'none' }, answer: yaml },
  }),
  applyConfig: route({
    ...{ method: 'PUT', path: '/v1/config', role: 'admin', takesRevision: true },
    summary: 'Bring a configuration in force: whole, or not at all',
    query: {
      dryRun: flagReader('check and compare only'),
      takeBack: flagReader('also take back what was changed beside the file'),
      file: fileReader,
    },
    ...{ body: { kind: 'yaml' }, answer: { kind: 'value', schema: outcome } },
  }),
  diffConfig: route({
    ...{ method: 'POST', path: '/v1/config/diff', role: 'read' },
    query: { file: fileReader },
    summary: 'What a configuration would change; changes nothing',
    ...{ body: { kind: 'yaml' }, answer: { kind: 'value', schema: outcome } },
  }),
  drift: list('drift', 'What was changed beside the file, and so differs from it', driftRow, {}),
  revisions: list(
    'revisions',
    'The configurations that were in force, oldest first',
    revisionSchema.extend({ inForce: z.boolean() }),
    {},
  ),
  revision: route({
    ...{ method: 'GET', path: '/v1/revisions/{revision}', role: 'read', query: {} },
    summary: 'The configuration of a revision, as its file had it',
    ...{ body: { kind: 'none' }, answer: yaml },
  }),
  rollback: route({
    ...{ method: 'POST', path: '/v1/rollback', role: 'admin', takesRevision: true },
    summary: 'Bring the configuration of an earlier revision in force, as a new one',
    query: {
      revision: wholeNumber(1, REVISION_MOST, 'back to this one; without it, to the one before'),
      dryRun: flagReader('check and compare only'),
    },
    ...{ body: { kind: 'none' }, answer: { kind: 'value', schema: outcome } },
  }),
};
