/** What a check of a configuration is: it sees the whole and says what does not fit together. */
import type { Machine } from '../machine.ts';
import type { Path, Problem } from '../problem.ts';

export interface Facts {
  /** Absent: the file is checked by itself. */
  readonly machine?: Machine;
  /** Does the file say it, or is it a default? */
  readonly isGiven: (path: Path) => boolean;
  /** False when this value, or an element of this list, was wrong and has been left out. */
  readonly isWhole: (path: Path) => boolean;
  /** Counted from 1, as editors do. */
  readonly lineOf: (path: Path) => number;
}

export type Check<C> = (config: C, facts: Facts) => readonly Problem[];

/** Every element whose key an earlier one has, with that earlier one. */
export function repeats<T>(
  elements: readonly T[],
  keyOf: (element: T) => string | number,
): { index: number; first: number; element: T }[] {
  const seen = new Map<string | number, number>();
  return elements.flatMap((element, index) => {
    const key = keyOf(element);
    const first = seen.get(key);
    if (first !== undefined) return [{ index, first, element }];
    seen.set(key, index);
    return [];
  });
}
