/** The zod building blocks of configuration files, with messages for the person who wrote the file. */
import { z } from 'zod';
import { show } from './problem.ts';
import { nearest } from './suggest.ts';

export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** A value that `read` understands. */
export function scalar<T>(read: (value: unknown) => Read<T>) {
  return z.unknown().transform((value, context): T => {
    if (value === undefined || value === null) {
      context.issues.push({ code: 'custom', message: missing(value), input: value });
      return z.NEVER;
    }
    const result = read(value);
    if (result.ok) return result.value;
    context.issues.push({ code: 'custom', message: result.message, input: value });
    return z.NEVER;
  });
}

/** Keys and values; other keys are errors. */
export function object<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, Object.keys(shape));
      return issue.input === undefined || issue.input === null
        ? missing(issue.input)
        : `must be keys and values, got ${show(issue.input)}`;
    },
  });
}

export function list<T extends z.core.SomeType>(element: T) {
  return z.array(element, {
    error: ({ input }) =>
      input === undefined || input === null
        ? missing(input)
        : `must be a list, got ${show(input)}; put a '- ' before each element`,
  });
}

export function oneOf<const T extends string>(words: readonly T[]) {
  return scalar((value): Read<T> => {
    const found = words.find((word) => word === value);
    if (found !== undefined) return { ok: true, value: found };
    const close = typeof value === 'string' ? nearest(value, words) : undefined;
    const hint = close === undefined ? '' : `; did you mean '${close}'?`;
    return {
      ok: false,
      message: `must be ${words.map((word) => `'${word}'`).join(' or ')}, got ${show(value)}${hint}`,
    };
  });
}

/** What YAML calls a boolean. */
export function yesOrNo() {
  return scalar((value): Read<boolean> =>
    typeof value === 'boolean'
      ? { ok: true, value }
      : { ok: false, message: `must be true or false, got ${show(value)}` },
  );
}

/** One line for each key, in order: `unknownKeyLines` takes them apart again. */
function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys
    .map((key) => {
      const close = nearest(key, known);
      const hint =
        close === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${close}\`?`;
      return `unknown key \`${key.replace(/\s/g, ' ')}\`; ${hint}`;
    })
    .join('\n');
}

export function unknownKeyLines(message: string): readonly string[] {
  return message.split('\n');
}

function missing(value: unknown): string {
  return value === null ? 'is empty; give it a value or remove the line' : 'is missing';
}
