/** The routes of tokens: the same for every role of a daemon. */
import { z } from 'zod';
import { tokenName, tokenRow, TokenError, type TokenStore } from '../state/tokens.ts';
import { ApiError } from './api-error.ts';
import { ACCESS_ROLES, list, route, type Handlers } from './route.ts';

const DAY_MS = 86_400_000;
const DAYS_MOST = 3_650;

export const TOKEN_ROUTES = {
  tokens: {
    ...list(
      'tokens',
      'Who may come in by a token; the tokens themselves are not kept',
      tokenRow,
      {},
    ),
    role: 'admin',
  },
  createToken: route({
    ...{ method: 'POST', path: '/v1/tokens', role: 'admin', query: {} },
    summary: 'Make a token; the answer is the only place where it stands',
    body: {
      kind: 'json',
      schema: z.strictObject({
        name: tokenName,
        role: z.enum(ACCESS_ROLES),
        days: z.int().min(1).max(DAYS_MOST).nullable().describe('until it expires; null: never'),
      }),
    },
    answer: { kind: 'value', schema: z.object({ name: z.string(), token: z.string() }) },
  }),
  revokeToken: route({
    ...{ method: 'DELETE', path: '/v1/tokens/{name}', role: 'admin', query: {} },
    summary: 'Take a token back: from now on nobody comes in by it',
    ...{ body: { kind: 'none' }, answer: { kind: 'value', schema: tokenRow } },
  }),
} as const;

export function tokenHandlers(tokens: TokenStore): Handlers<typeof TOKEN_ROUTES> {
  return {
    tokens: () => ({ rows: tokens.all() }),
    createToken: ({ body: { name, role, days }, who }) => {
      const lifeMs = days === null ? null : days * DAY_MS;
      const token = refusing(() => tokens.create({ name, role, lifeMs, by: who.name }));
      return { value: { name, token }, status: 201, difference: [`+ token ${name}: ${role}`] };
    },
    revokeToken: ({ parts: { name = '' } }) => ({
      value: refusing(() => tokens.revoke(name)),
      difference: [`- token ${name}`],
    }),
  };
}

function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    throw new ApiError(error.code === 'exists' ? 409 : 404, error.message);
  }
}
