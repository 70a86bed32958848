/** fullnat.yaml(5), made of docs/reference/configuration.md: headings, paragraphs, lists, tables and code. */
import { bullets, display, page, paragraph, section, subsection, tagged, word } from './mdoc.ts';

type Block =
  | { readonly kind: 'heading'; readonly depth: number; readonly text: string }
  | { readonly kind: 'code'; readonly lines: readonly string[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'paragraph'; readonly text: string };

export function configurationPage(markdown: string, date: Date): string {
  const head = {
    name: 'fullnat.yaml',
    section: 5,
    does: 'configuration of the balancer and of the agent',
    date,
  } as const;
  const blocks = blocksOf(markdown).filter(
    (block) => !(block.kind === 'heading' && block.depth === 1),
  );
  return page(head, [
    section('Description', withoutLeadingBreaks(blocks.map(written))),
    section(
      'See also',
      ['.Xr fullnat 1 ,', '.Xr fullnat-agent 1 ,', '.Xr fullnat-balancer 1 ,'],
      ['.Xr fullnat-check 1'],
    ),
  ]);
}

/** Exported for its test. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  const taken = (isPart: (line: string) => boolean) => {
    const part: string[] = [];
    while (lines.length > 0 && isPart(lines[0] ?? '')) part.push(lines.shift() ?? '');
    return part;
  };
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const heading = /^(#+) (.*)/.exec(line);
    if (line.trim() === '' || /^<!--.*-->$/.test(line)) continue;
    if (heading) {
      blocks.push({
        kind: 'heading',
        depth: heading[1]?.length ?? 1,
        text: plain(heading[2] ?? ''),
      });
    } else if (line.startsWith('```')) {
      blocks.push({ kind: 'code', lines: taken((each) => !each.startsWith('```')) });
      lines.shift();
    } else if (line.startsWith('|')) {
      const [, ...rows] = taken((each) => each.startsWith('|'));
      blocks.push({ kind: 'table', rows: [line, ...rows].map(cellsOf) });
    } else {
      const rest = taken((each) => each.trim() !== '' && !/^(#|```|\|)/.test(each));
      const text = [line, ...rest];
      blocks.push(
        /^[-*] /.test(line)
          ? { kind: 'list', items: itemsOf(text) }
          : { kind: 'paragraph', text: plain(text.join(' ')) },
      );
    }
  }
  return blocks;
}

function written(block: Block): string[] {
  switch (block.kind) {
    case 'heading':
      return subsection(block.text);
    case 'code':
      return display(block.lines);
    case 'list':
      return bullets(block.items);
    case 'paragraph':
      return paragraph(block.text);
    case 'table': {
      const [names = [], ...rows] = block.rows;
      return tagged(
        rows.map(([first = '', ...others]) => ({
          tag: `Ic ${word(first)}`,
          text: told(names.slice(1), others),
        })),
      );
    }
  }
}

/** `Default: 1s. means what it means`: what is explained comes last, what is short before it by name. */
function told(names: readonly string[], cells: readonly string[]): string {
  const last = cells.length - 1;
  const short = cells
    .slice(0, last)
    .map((cell, i) => (cell === '' || names[i] === '' ? cell : `${names[i] ?? ''}: ${cell}`))
    .filter((cell) => cell !== '');
  return [short.join(', '), cells[last] ?? ''].filter((part) => part !== '').join('; ');
}

function cellsOf(row: string): string[] {
  return row
    .replaceAll(/^\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => plain(cell.replaceAll('\\|', '|').trim()));
}

function itemsOf(lines: readonly string[]): string[] {
  const items: string[] = [];
  for (const line of lines)
    if (/^[-*] /.test(line)) items.push(line.slice(2));
    else items.push(`${items.pop() ?? ''} ${line.trim()}`);
  return items.map(plain);
}

/** Without the signs of Markdown; of a link its text. */
function plain(text: string): string {
  return text
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*([^*]+)\*\*/g, '$1')
    .replaceAll(/`([^`]+)`/g, '$1')
    .replaceAll(/\\([_*<])/g, '$1');
}

/** A paragraph right below a heading needs no space above it. */
function withoutLeadingBreaks(parts: readonly (readonly string[])[]): string[] {
  return parts
    .flat()
    .filter((line, i, all) => line !== '.Pp' || !(all[i - 1] ?? '.S').startsWith('.S'));
}
