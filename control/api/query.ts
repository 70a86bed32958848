/** Reads the query of a request: known parameters only, each checked, errors naming the parameter. */
import type { ParsedText } from '../../packet/parsed.ts';

/** What a parameter's text means, or a sentence that says why it means nothing. */
export type Reader<T> = {
  readonly read: (text: string) => ParsedText<T>;
  /** As JSON Schema has it, for those who ask. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly help: string;
};
export type Readers = Readonly<Record<string, Reader<unknown>>>;
export type QueryOf<R extends Readers> = {
  readonly [K in keyof R]?: R[K] extends Reader<infer T> ? T : never;
};

/** A request that cannot be answered; the message names the parameter. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}

export function readQuery<const R extends Readers>(
  readers: R,
  given: Readonly<Record<string, readonly string[]>>,
): QueryOf<R> {
  const values: Record<string, unknown> = {};
  for (const [name, texts] of Object.entries(given)) {
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (reader === undefined) throw new QueryError(unknownParameter(name, Object.keys(readers)));
    const [text = '', ...more] = texts;
    if (more.length > 0) throw new QueryError(`parameter ${name} is given ${texts.length} times`);
    const read = reader.read(text);
    if (!read.ok) throw new QueryError(`parameter ${name}: ${read.message}`);
    values[name] = read.value;
  }
  return values as QueryOf<R>;
}

export const poolReader = textReader<string>(
  (text) => ({ ok: true, value: text }),
  'only of this pool; without it, of every pool that has the backend',
);

/** A whole number within bounds, both included. */
export function wholeNumber(least: number, most: number, help: string): Reader<number> {
  return {
    help,
    schema: { type: 'integer', minimum: least, maximum: most },
    read: (text) =>
      /^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most
        ? { ok: true, value: Number(text) }
        : {
            ok: false,
            reason: 'out-of-range',
            message: `'${text}' is not a whole number in ${least}..${most}`,
          },
  };
}

export function oneOf<const T extends string>(words: readonly T[], help: string): Reader<T> {
  return {
    help,
    schema: { type: 'string', enum: [...words] },
    read: (text) => {
      const found = words.find((word) => word === text);
      return found === undefined
        ? { ok: false, reason: 'malformed', message: `'${text}' is none of ${words.join(', ')}` }
        : { ok: true, value: found };
    },
  };
}

const FILE_MOST = 200;

/** How the sender calls what is sent. */
export const fileReader: Reader<string> = {
  help: 'what the configuration is called in messages and in the history',
  schema: { type: 'string', maxLength: FILE_MOST },
  read: (text) =>
    /^[\x20-\x7e]+$/.test(text) && text.length <= FILE_MOST
      ? { ok: true, value: text }
      : { ok: false, reason: 'malformed', message: `not 1 to ${FILE_MOST} printable characters` },
};

/** `?name`, `?name=true` or `?name=false`. */
export function flagReader(help: string): Reader<boolean> {
  return {
    help,
    schema: { type: 'boolean' },
    read: (text) =>
      ['', 'true', 'false'].includes(text)
        ? { ok: true, value: text !== 'false' }
        : { ok: false, reason: 'malformed', message: `'${text}' is neither true nor false` },
  };
}

/** Anything that `read` understands. */
export function textReader<T>(read: (text: string) => ParsedText<T>, help: string): Reader<T> {
  return { help, schema: { type: 'string' }, read };
}

function unknownParameter(name: string, known: readonly string[]): string {
  const allowed = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
  return `parameter ${name} is unknown here; ${allowed}`;
}
