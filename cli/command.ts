/** What a command is: a plain value from which commander, the help text and the handler's types are made. */
import type { Style } from './output/style.ts';

/** Where a command reads its surroundings and writes its results; a test passes its own. */
export interface Context {
  /** Data only: what another program may read. */
  readonly stdout: Sink;
  /** Messages for the person at the terminal. */
  readonly stderr: Sink;
  /** Aborted by Ctrl-C and SIGTERM; the handler then finishes and returns its exit code. */
  readonly signal: AbortSignal;
  /**
   * Tells each key as it is pressed, Ctrl-C included, until what it returns is called. Absent
   * when nobody sits at a keyboard.
   */
  readonly onKey?: ((tell: (key: string) => void) => () => void) | undefined;
}

export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly style: Style;
}

/** Makes a value of a word; `words` are all that it takes, where they can be listed. */
export type Reader<T> = ((text: string) => T) & { readonly words?: readonly string[] };

export interface Option<T> {
  /** As commander writes them: `--count <n>`, `-w, --watch`. */
  readonly flags: string;
  readonly help: string;
  readonly read: Reader<T>;
  readonly fallback: T;
  readonly isFlag: boolean;
  /** May be given several times: `read` gets each, the value is a list. */
  readonly isList?: boolean;
  /** Shown in the help as the default, when there is one worth showing. */
  readonly shownDefault?: string;
}

export interface Argument<T> {
  /** As commander writes them: `<file>`, `[resource]`, `<command...>`. */
  readonly name: string;
  readonly help: string;
  /** Gets all words of a variadic argument, one otherwise; none when an optional one is absent. */
  readonly read: (words: readonly string[]) => T;
  /** All that it may be, where that can be listed. */
  readonly words?: readonly string[];
}

type Values<S> = {
  readonly [K in keyof S]: S[K] extends { read: (...from: never[]) => infer T } ? T : never;
};
export type OptionValues<S> = {
  readonly [K in keyof S]: S[K] extends Option<infer T> ? T : never;
};

export interface Example {
  readonly command: string;
  readonly does: string;
}

export interface CommandSpec<
  A extends Record<string, Argument<unknown>>,
  O extends Record<string, Option<unknown>>,
> {
  readonly name: string;
  readonly summary: string;
  /** Shown below the summary in `--help`. */
  readonly details?: string;
  readonly arguments: A;
  readonly options: O;
  readonly examples: readonly Example[];
  /** Words after the arguments that look like options belong to the last argument (`lab exec`). */
  readonly passThrough?: boolean;
  /** For programs: no help lists it. */
  readonly isHidden?: true;
  /** Resolves to the exit code. */
  readonly handler: (
    input: { readonly arguments: Values<A>; readonly options: OptionValues<O> },
    context: Context,
  ) => Promise<number>;
}

/** A command whose types have served their purpose; what the registry holds. */
export type Command = CommandSpec<
  Record<string, Argument<unknown>>,
  Record<string, Option<unknown>>
>;

/** Commands under a common first word: `fullnat lab up`. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly isHidden?: never;
  readonly commands: readonly Command[];
}

/** Bad usage or bad input: the message goes to stderr and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The work could not be done, and the message says why and what to do; the exit code is 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/**
 * Checks a command's types where it is written.
 *
 * @example
 * export const greet = command({
 *   name: 'greet', summary: 'Say hello', examples: [],
 *   arguments: { who: argument('<who>', 'whom to greet', (word) => word) },
 *   options: { loud: flag('--loud', 'in capitals') },
 *   handler: async ({ arguments: { who }, options: { loud } }, { stdout }) => { … return 0; },
 * });
 */
export function command<
  const A extends Record<string, Argument<unknown>>,
  const O extends Record<string, Option<unknown>>,
>(spec: CommandSpec<A, O>): Command {
  return spec as unknown as Command;
}

export function argument<T>(name: string, help: string, read: Reader<T>): Argument<T> {
  return { name, help, ...wordsOf(read), read: (words) => read(words[0] ?? '') };
}

export function optionalArgument<T>(
  name: string,
  help: string,
  read: Reader<T>,
): Argument<T | undefined> {
  return {
    name,
    help,
    ...wordsOf(read),
    read: ([word]) => (word === undefined ? undefined : read(word)),
  };
}

export function restArgument(name: string, help: string): Argument<readonly string[]> {
  return { name, help, read: (words) => words };
}

export function flag(flags: string, help: string): Option<boolean> {
  return { flags, help, read: () => true, fallback: false, isFlag: true };
}

/** An option that may be absent: its value is then `undefined`. */
export function option<T>(flags: string, help: string, read: Reader<T>): Option<T | undefined> {
  return { flags, help, read, fallback: undefined, isFlag: false };
}

/** An option that may be given several times; absent, it is an empty list. */
export function listOption<T>(flags: string, help: string, read: Reader<T>): Option<readonly T[]> {
  // What is read one by one is put together in assemble.ts.
  const each = read as unknown as Reader<readonly T[]>;
  return { flags, help, read: each, fallback: [], isFlag: false, isList: true };
}

export function optionOr<T>(
  flags: string,
  help: string,
  read: Reader<T>,
  fallback: T,
  shownDefault: string = String(fallback),
): Option<T> {
  return { flags, help, read, fallback, isFlag: false, shownDefault };
}

function wordsOf({ words }: Reader<unknown>): { words?: readonly string[] } {
  return words === undefined ? {} : { words };
}
