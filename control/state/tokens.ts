/** Tokens for the API: who bears one is who it was made for. Only their hashes are kept. */
import { createHash, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, writeStateFile } from './state-file.ts';

/** 256 bits that nobody can guess: a fast hash is enough to keep them. */
const SECRET_BYTES = 32;
/** Scanners for leaked secrets find it by that. */
const PREFIX = 'fnt_';

export const tokenName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: 'must be 1 to 63 of a-z, 0-9, . _ and -',
});
const accessRole = z.enum(['read', 'operate', 'admin']);

export const tokenRow = z.strictObject({
  name: tokenName,
  role: accessRole,
  at: z.string().meta({ format: 'date-time' }),
  by: z.string(),
  expires: z.string().nullable().describe('null: never'),
});
export type TokenRow = z.infer<typeof tokenRow>;

const fileSchema = z.strictObject({
  version: z.literal(1),
  tokens: z.array(tokenRow.extend({ hash: z.string() })),
});
type Kept = z.infer<typeof fileSchema>['tokens'][number];

export type NewToken = Pick<TokenRow, 'name' | 'role' | 'by'> & { readonly lifeMs: number | null };

/** There is one of that name already, or none. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: 'exists' | 'unknown';

  constructor(code: 'exists' | 'unknown', message: string) {
    super(message);
    this.code = code;
  }
}

export class TokenStore {
  readonly #path: string;
  readonly #nowMs: () => number;
  #tokens: readonly Kept[] = [];
  #readAt: string | undefined;

  /** `directory` is the daemon's own. Throws StateError when what is there cannot be read. */
  constructor(directory: string, nowMs: () => number) {
    this.#path = join(directory, 'tokens.json');
    this.#nowMs = nowMs;
    this.#refresh();
  }

  /** Without what would let somebody in. */
  all(): TokenRow[] {
    this.#refresh();
    return this.#tokens.map(({ hash: _hash, ...row }) => row);
  }

  /** Of who bears this token now; undefined for anything else. */
  find(text: string): TokenRow | undefined {
    this.#refresh();
    const hash = hashOf(text);
    const found = this.#tokens.find((one) => one.hash === hash);
    if (found === undefined) return undefined;
    return found.expires !== null && Date.parse(found.expires) <= this.#nowMs() ? undefined : found;
  }

  /** The token itself, which is told this one time. */
  create({ name, role, by, lifeMs }: NewToken): string {
    this.#refresh();
    if (this.#tokens.some((one) => one.name === name))
      throw new TokenError('exists', `there is a token '${name}' already; revoke it first`);
    const text = `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const nowMs = this.#nowMs();
    const isoOf = (ms: number) => new Date(ms).toISOString();
    const expires = lifeMs === null ? null : isoOf(nowMs + lifeMs);
    this.#write([
      ...this.#tokens,
      { name, role, at: isoOf(nowMs), by, expires, hash: hashOf(text) },
    ]);
    return text;
  }

  /** From now on nobody comes in by it. */
  revoke(name: string): TokenRow {
    this.#refresh();
    const found = this.all().find((one) => one.name === name);
    if (found === undefined) throw new TokenError('unknown', `there is no token '${name}'`);
    this.#write(this.#tokens.filter((one) => one.name !== name));
    return found;
  }

  #write(tokens: readonly Kept[]): void {
    writeStateFile(this.#path, { version: 1, tokens });
    this.#tokens = tokens;
    this.#readAt = this.#stamp();
  }

  /** `fullnat token` writes the file itself while no daemon runs. */
  #refresh(): void {
    const stamp = this.#stamp();
    if (stamp === this.#readAt) return;
    this.#tokens = readStateFile(this.#path, fileSchema)?.tokens ?? [];
    this.#readAt = stamp;
  }

  #stamp(): string {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    return found === undefined ? 'absent' : `${found.ino} ${found.mtimeMs} ${found.size}`;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
