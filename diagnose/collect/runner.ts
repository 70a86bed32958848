/** Runs programs where the evidence is: on this machine, in a network namespace, or over ssh. */
import { misread, parsed, type ParsedText } from '../../packet/parsed.ts';

/** Where a command line says that a machine is. */
export type Where =
  | { readonly kind: 'here' }
  | { readonly kind: 'netns'; readonly name: string }
  | { readonly kind: 'ssh'; readonly destination: string };

export type Ran =
  | { readonly ok: true; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** It could not be started, or took too long. */
  | { readonly ok: false; readonly why: string };

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** A program that runs until it is stopped; its output as it comes. */
export interface Started {
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Resolves when it has said this on stderr; rejects when it ends before. */
  readonly said: (words: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Collectors know nothing but this: a test answers with recorded output. */
export interface Runner {
  /** The Node there. */
  readonly node: string;
  /** What is started here so that this runs there. */
  readonly argvThere: (argv: readonly string[]) => readonly string[];
  readonly run: (argv: readonly string[], options?: RunOptions) => Promise<Ran>;
  readonly start: (argv: readonly string[]) => Started;
}

/** @example parseWhere('netns:fn-client') // { ok: true, value: { kind: 'netns', name: 'fn-client' } } */
export function parseWhere(text: string): ParsedText<Where> {
  if (text === 'here') return parsed({ kind: 'here' });
  const [, kind, rest] = /^(netns|ssh):(.+)$/.exec(text) ?? [];
  if (kind === 'netns' && rest !== undefined && /^[\w][\w.-]*$/.test(rest))
    return parsed({ kind: 'netns', name: rest });
  // What begins with a dash would be an option of ssh.
  if (kind === 'ssh' && rest !== undefined && /^[\w][\w.@:%-]*$/.test(rest))
    return parsed({ kind: 'ssh', destination: rest });
  return misread('malformed', `\`${text}\` is no place; write here, netns:NAME or ssh:USER@HOST`);
}

/** The argument list that runs `argv` there. */
export function argvAt(where: Where, argv: readonly string[]): string[] {
  switch (where.kind) {
    case 'here':
      return [...argv];
    case 'netns':
      // Not `ip netns exec`: that mounts another /sys.
      return ['nsenter', `--net=/run/netns/${where.name}`, '--', ...argv];
    case 'ssh':
      // ssh hands the far shell one line, so every word is quoted for it.
      return ['ssh', ...SSH_OPTIONS, '--', where.destination, argv.map(quoted).join(' ')];
  }
}

/** The user's own configuration and keys; nobody is there to be asked for a password. */
const SSH_OPTIONS = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5'];

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
