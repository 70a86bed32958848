/** Prints rows under aligned headings: two spaces between columns, no lines, easy for awk. */
import { printable, type Style } from './style.ts';

export interface Column<Row> {
  readonly heading: string;
  readonly text: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Colour for the whole cell; applied after alignment. */
  readonly paint?: (row: Row, style: Style) => (text: string) => string;
}

export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  style: Style,
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.text(row)) || '-'));
  // Not Math.max(...): there may be more sessions than a call can have arguments.
  const widths = columns.map((column, i) =>
    cells.reduce((most, line) => Math.max(most, line[i]?.length ?? 0), column.heading.length),
  );
  const pad = (text: string, i: number) =>
    columns[i]?.align === 'right' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);

  const heading = columns
    .map((column, i) => pad(column.heading, i))
    .join('  ')
    .trimEnd();
  const body = rows.map((row, at) =>
    columns
      .map((column, i) => {
        const text = pad(cells[at]?.[i] ?? '', i);
        const shown = i === columns.length - 1 ? text.trimEnd() : text;
        return column.paint === undefined ? shown : column.paint(row, style)(shown);
      })
      .join('  ')
      .trimEnd(),
  );
  return [style.strong(heading), ...body].map((line) => `${line}\n`).join('');
}
