/** Reads one of a few words; a typo gets a suggestion. */
import { nearest } from '../control/config/suggest.ts';
import { UsageError, type Reader } from './command.ts';

/** @example choice('output', ['table', 'json'])('jsn') // UsageError: … did you mean `json`? */
export function choice<const T extends string>(what: string, words: readonly T[]): Reader<T> {
  const read = (text: string) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    // One sign is not like another: nobody who wrote 3 meant 1.
    const close = text.length > 1 ? nearest(text, words) : undefined;
    throw new UsageError(
      `unknown ${what} \`${text}\`` +
        (close === undefined ? ' ' : `; did you mean \`${close}\`? `) +
        `(one of ${words.join(', ')})`,
    );
  };
  return Object.assign(read, { words });
}
