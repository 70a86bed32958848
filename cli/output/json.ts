/** Data for programs. Apart from format.ts, which loads YAML: a twentieth of a second. */

export function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** One line, for streams of values (JSON Lines). */
export function asJsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
