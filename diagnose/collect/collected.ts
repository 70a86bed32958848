/** What a collector gives: a value, or the reason why there is none, which a report must show. */
import type { Ran, Runner } from './runner.ts';

export type Collected<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

export function collected<T>(value: T): Collected<T> {
  return { ok: true, value };
}

export function missing(why: string): Collected<never> {
  return { ok: false, why };
}

/** What a program prints, read by `parse`; a parser that throws does not know this version's output. */
export async function readFrom<T>(
  runner: Runner,
  argv: readonly string[],
  parse: (text: string) => T,
): Promise<Collected<T>> {
  const ran = await runner.run(argv);
  const text = outputOf(argv, ran);
  if (!text.ok) return text;
  try {
    return collected(parse(text.value));
  } catch (error) {
    return missing(`what ${argv[0]} printed could not be read: ${(error as Error).message}`);
  }
}

function outputOf(argv: readonly string[], ran: Ran): Collected<string> {
  if (!ran.ok) return missing(ran.why);
  if (ran.code === 0) return collected(ran.stdout);
  const said = ran.stderr.trim().split('\n')[0] ?? '';
  return missing(`${argv[0]} ended with ${ran.code}${said === '' ? '' : `: ${said}`}`);
}
