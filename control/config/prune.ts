/**
 * Takes the parts that are wrong out of a configuration, so that the rest can still be
 * checked and all problems are told in one go.
 */
import type { Path } from './problem.ts';

export interface Pruned {
  readonly value: unknown;
  /** Positions in lists shift when an element is taken out; this undoes it. */
  readonly originalPath: (path: Path) => Path;
}

export function prune(value: unknown, removed: readonly Path[]): Pruned {
  const removedKeys = new Set(removed.map(keyOf));
  const originalIndices = new WeakMap<readonly unknown[], readonly number[]>();

  const copy = (node: unknown, path: Path): unknown => {
    if (Array.isArray(node)) {
      const kept = [...node.keys()].filter((i) => !removedKeys.has(keyOf([...path, i])));
      const result = kept.map((i) => copy((node as unknown[])[i], [...path, i]));
      originalIndices.set(result, kept);
      return result;
    }
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(
      Object.entries(node)
        .filter(([key]) => !removedKeys.has(keyOf([...path, key])))
        .map(([key, child]) => [key, copy(child, [...path, key])]),
    );
  };

  const pruned = copy(value, []);
  return {
    value: pruned,
    originalPath: (path) => {
      const original: (string | number)[] = [];
      let node = pruned;
      for (const step of path) {
        const indices = Array.isArray(node) ? originalIndices.get(node) : undefined;
        original.push(typeof step === 'number' ? (indices?.[step] ?? step) : step);
        node = childOf(node, step);
      }
      return original;
    },
  };
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce(childOf, value);
}

function childOf(node: unknown, step: string | number): unknown {
  if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return undefined;
  return (node as Record<string | number, unknown>)[step];
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
