/** Lines that the kernel's log got during the window. */
import { both } from './amounts.ts';
import type { PlaceEvidence } from './evidence.ts';

/** The log is the machine's: namespaces on one machine share it. */
export function newLogLines({ before, after }: PlaceEvidence, pattern: RegExp): readonly string[] {
  const lines = both(before.log, after.log, (earlier, later) => {
    const last = earlier.at(-1);
    const at = last === undefined ? -1 : later.lastIndexOf(last);
    return later.slice(at + 1).filter((line) => pattern.test(line));
  });
  return lines.ok ? lines.value : [];
}
