/** A YAML text as plain values that still know their line and column. */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
} from 'yaml';
import { tooDeepAt } from './depth.ts';
import type { LocatedProblem, Path, Problem } from './problem.ts';

export interface ConfigDocument {
  readonly value: unknown;
  /** Where the value at `path` stands; where it is missing, the nearest thing around it. */
  locate(problem: Problem): LocatedProblem;
  isGiven(path: Path): boolean;
}

export type ReadDocument =
  | { readonly ok: true; readonly document: ConfigDocument }
  | { readonly ok: false; readonly problems: readonly LocatedProblem[] };

export function readDocument(text: string, file: string): ReadDocument {
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    const message = 'nested deeper than any configuration is';
    return { ok: false, problems: [{ file, ...placeOf(text, deep), message }] };
  }
  const yaml = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const at = (offset: number, message: string): LocatedProblem => ({
    file,
    ...placeOf(text, offset),
    message,
  });

  const broken = [...yaml.errors, ...yaml.warnings];
  if (broken.length > 0)
    return { ok: false, problems: broken.map(({ pos, message }) => at(pos[0], message)) };

  let value: unknown;
  try {
    value = yaml.toJS();
  } catch (error) {
    // Aliases that multiply beyond reason.
    return { ok: false, problems: [at(0, error instanceof Error ? error.message : String(error))] };
  }
  if (containsItself(value))
    return { ok: false, problems: [at(0, 'an alias stands for something that contains it')] };
  if (value === null) return { ok: false, problems: [at(0, 'the file is empty')] };
  return {
    ok: true,
    document: {
      value,
      locate: ({ path, on, message }) => {
        const { offset, keyOffset } = find(yaml, path);
        return at(on === 'key' ? (keyOffset ?? offset) : offset, message);
      },
      isGiven: (path) => find(yaml, path).isExact,
    },
  };
}

/** Not yaml's LineCounter: it misses lines in texts that break off in the middle. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: before.length - before.lastIndexOf('\n') };
}

interface Found {
  readonly offset: number;
  /** Of the last key on the way. */
  readonly keyOffset: number | undefined;
  readonly isExact: boolean;
}

function find(yaml: Document, path: Path): Found {
  let node: unknown = yaml.contents;
  let offset = startOf(node) ?? 0;
  let keyOffset: number | undefined;
  for (const step of path) {
    const next = stepInto(isAlias(node) ? node.resolve(yaml) : node, step);
    if (next === undefined) return { offset, keyOffset, isExact: false };
    node = next.value;
    offset = next.offset ?? offset;
    keyOffset = next.keyOffset;
  }
  return { offset, keyOffset, isExact: true };
}

function stepInto(
  node: unknown,
  step: string | number,
): { value: unknown; offset: number | undefined; keyOffset?: number | undefined } | undefined {
  if (isSeq(node)) {
    const value = typeof step === 'number' ? node.items[step] : undefined;
    return value === undefined ? undefined : { value, offset: startOf(value) };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair === undefined) return undefined;
  // `timeouts:` with nothing behind it: the key is what can be seen.
  const isEmpty = pair.value === null || (isScalar(pair.value) && pair.value.value === null);
  const keyOffset = startOf(pair.key);
  return { value: pair.value, offset: isEmpty ? keyOffset : startOf(pair.value), keyOffset };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

/** `&a [*a]`: what goes through it would never end. */
function containsItself(value: unknown, around: readonly unknown[] = []): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (around.includes(value)) return true;
  const inside = [...around, value];
  return Object.values(value).some((part) => containsItself(part, inside));
}
