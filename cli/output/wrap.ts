/** Long lines broken between words, the rest indented. */

/** `parts` are kept whole; the first line begins with `first`, the others with as many spaces. */
export function wrap(first: string, parts: readonly string[], columns: number): string {
  const indent = ' '.repeat(first.length);
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const part of parts) {
    if (!isEmpty && line.length + 1 + part.length > columns) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? part : ` ${part}`;
    isEmpty = false;
  }
  return [...lines, line].map((each) => `${each.trimEnd()}\n`).join('');
}
