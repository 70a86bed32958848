/** What is drawn again and again must fit the screen, or its head scrolls away. */
import type { Sink } from '../command.ts';

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const COLOURS = /\u001b\[\d*m/g;

/** The lines that fit, the last place for how many do not; one line stays free for the cursor. */
export function fitted(text: string, { columns, rows, style }: Sink): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const height = (line: string) =>
    Math.max(1, Math.ceil(line.replace(COLOURS, '').length / columns));
  const most = rows - 1;
  let used = 0;
  let lastWithNote = 0;
  for (const [i, line] of lines.entries()) {
    used += height(line);
    if (used > most) {
      const shown = lines.slice(0, lastWithNote);
      const note = `… ${lines.length - lastWithNote} more lines`;
      return [...shown, style.quiet(note)].map((each) => `${each}\n`).join('');
    }
    if (used <= most - 1) lastWithNote = i + 1;
  }
  return text;
}
