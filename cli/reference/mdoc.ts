/** The bits of mdoc(7) that our manual pages are made of; text comes in plain and goes out escaped. */

const LINE_COLUMNS = 70; /* with escapes no more than 80 */

export interface PageHead {
  /** `fullnat-get` */
  readonly name: string;
  readonly section: 1 | 5;
  readonly does: string;
  readonly date: Date;
}

export function page(
  { name, section, does, date }: PageHead,
  parts: readonly (readonly string[])[],
): string {
  const month = date.toLocaleString('en', { month: 'long', timeZone: 'UTC' });
  return [
    `.Dd ${month} ${date.getUTCDate()}, ${date.getUTCFullYear()}`,
    `.Dt ${name.toUpperCase()} ${section}`,
    '.Os',
    '.Sh NAME',
    `.Nm ${word(name)}`,
    `.Nd ${word(does)}`,
    ...parts.flat(),
    '',
  ].join('\n');
}

export function section(title: string, ...parts: readonly (readonly string[])[]): string[] {
  return [`.Sh ${title.toUpperCase()}`, ...withoutFirstBreak(parts.flat())];
}

export function subsection(title: string, ...parts: readonly (readonly string[])[]): string[] {
  return [`.Ss ${word(title)}`, ...withoutFirstBreak(parts.flat())];
}

/** Each sentence begins a line, as mdoc wants it. */
export function paragraph(text: string): string[] {
  return ['.Pp', ...flowing(text)];
}

export function display(lines: readonly string[]): string[] {
  return ['.Bd -literal -offset indent', ...lines.map(textLine), '.Ed'];
}

/** `tag` is a macro line without its `.It`. */
export function tagged(rows: readonly { tag: string; text: string }[]): string[] {
  if (rows.length === 0) return [];
  const items = rows.flatMap(({ tag, text }) => [`.It ${tag}`, ...flowing(text)]);
  return ['.Bl -tag -width Ds', ...items, '.El'];
}

export function bullets(items: readonly string[]): string[] {
  return ['.Bl -bullet', ...items.flatMap((item) => ['.It', ...flowing(item)]), '.El'];
}

/** @example flags('-o, --output <format>') // 'Fl o , Fl -output Ar format' */
export function flags(text: string): string {
  const [names = '', value] = text.split(/ (?=[<[])/);
  const list = names.split(', ').map((name) => `Fl ${name.slice(1)}`);
  return (
    list.join(' , ') + (value === undefined ? '' : ` Ar ${word(value.replaceAll(/[<>]/g, ''))}`)
  );
}

/** One argument of a macro, whatever is in it. */
export function word(text: string): string {
  const escaped = escape(text).replaceAll('"', '\\(dq');
  return /\s/.test(text) ? `"${escaped}"` : `\\&${escaped}`;
}

function flowing(text: string): string[] {
  return text
    .replaceAll('`', '')
    .split(/(?<=[.!?]) +(?=[A-Z])/)
    .flatMap(wrapped)
    .map(textLine);
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const next of text.split(/\s+/).filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + next.length > LINE_COLUMNS) {
      lines.push(line);
      line = next;
    } else line = line === '' ? next : `${line} ${next}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** A line of text may not begin with the signs of a macro. */
function textLine(text: string): string {
  return escape(text).replace(/^(?=[.'])/, '\\&');
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
}

function withoutFirstBreak(lines: readonly string[]): readonly string[] {
  return lines[0] === '.Pp' ? lines.slice(1) : lines;
}
