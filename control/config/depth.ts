/**
 * Finds texts that are nested deeper than any configuration: the parser calls itself for each level,
 * and a stack that ends in the middle of compiling a regular expression ends the process (V8 calls
 * that out of memory; found by npm run fuzz:api).
 */

/** A configuration has five levels. */
const LEVELS_MOST = 100;
/** Spaces and marks (`- - -`) before the first word of a line. */
const INDENT_MOST = 200;

/** The offset where it becomes too deep; brackets in quotes and comments count too. */
export function tooDeepAt(text: string): number | undefined {
  let levels = 0;
  let indent = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (sign === '\n' || sign === '\r') indent = 0;
    else if (indent >= 0) indent = ' \t-?:'.includes(sign) ? indent + 1 : -1;
    if (sign === '[' || sign === '{') levels++;
    else if (sign === ']' || sign === '}') levels = Math.max(0, levels - 1);
    if (levels > LEVELS_MOST || indent > INDENT_MOST) return at;
  }
  return undefined;
}
