/** What changed between two listings, a line each: for `--watch` in a pipe. */
import type { Row } from './daemons.ts';
import type { Format } from './output/format.ts';
import { asJsonLine } from './output/json.ts';
import { printable } from './output/style.ts';
import { nameOf, type Resource } from './resources.ts';

const MARKS = { added: '+', changed: '~', removed: '-' } as const;
type Change = keyof typeof MARKS;

/** They change by themselves: no news. */
const CLOCKS: readonly string[] = ['idleSeconds', 'ageSeconds', 'secondsToExhaustion'];

export class Changes {
  readonly #spec: Resource;
  readonly #format: Format;
  #known = new Map<string, { readonly row: Row; readonly said: string }>();
  #hasSaidHeadings = false;

  constructor(spec: Resource, format: Format) {
    this.#spec = spec;
    this.#format = format;
  }

  /** Of the first listing: every row. Of two rows with one name the later counts. */
  linesOf(rows: readonly Row[]): string {
    const now = new Map(
      rows.map((row) => [nameOf(this.#spec, row), { row, said: this.#comparable(row) }]),
    );
    const news = [...now].flatMap(([name, { row, said }]): [Change, Row][] => {
      const before = this.#known.get(name);
      if (before === undefined) return [['added', row]];
      return before.said === said ? [] : [['changed', row]];
    });
    const gone = [...this.#known].flatMap(([name, { row }]): [Change, Row][] =>
      now.has(name) ? [] : [['removed', row]],
    );
    this.#known = now;
    const lines = [...news, ...gone].map(([change, row]) => this.#line(change, row));
    return [...this.#headings(lines.length > 0), ...lines].join('');
  }

  /** What a change is seen by: all fields for programs, the shown ones for people. */
  #comparable(row: Row): string {
    if (this.#format === 'name') return '';
    const fields =
      this.#format === 'jsonl' ? Object.keys(row) : this.#columns().map(({ field }) => field);
    const kept = fields.filter((field) => !CLOCKS.includes(field));
    return JSON.stringify(kept.map((field) => row[field]));
  }

  #line(change: Change, row: Row): string {
    if (this.#format === 'jsonl') return asJsonLine({ change, ...row });
    const mark = MARKS[change];
    if (this.#format === 'name') return `${mark} ${printable(nameOf(this.#spec, row))}\n`;
    const cells = this.#columns().map((column) => printable(column.text(row)) || '-');
    return `${[mark, ...cells].join('\t')}\n`;
  }

  /** Widths are not known before the last line: columns are apart by tabs. */
  #headings(isNeeded: boolean): string[] {
    if (!isNeeded || this.#hasSaidHeadings) return [];
    this.#hasSaidHeadings = true;
    if (this.#format !== 'table' && this.#format !== 'wide') return [];
    return [`${['', ...this.#columns().map(({ heading }) => heading)].join('\t')}\n`];
  }

  #columns(): Resource['columns'] {
    return this.#spec.columns.filter(({ wide }) => this.#format === 'wide' || wide !== true);
  }
}
