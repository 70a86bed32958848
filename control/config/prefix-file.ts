/** Files of addresses as block lists come: a range a line, what follows # or ; is a comment. */
import { parseAddressRange, type AddressRange } from '../../packet/address-range.ts';
import type { AccessListConfig } from './admission.ts';
import type { Machine } from './machine.ts';

export interface BadLine {
  readonly line: number;
  readonly message: string;
}

/** @example parsePrefixFile('198.51.100.0/24 ; SBL1\n') // one range, no bad line */
export function parsePrefixFile(text: string): {
  readonly ranges: readonly AddressRange[];
  readonly bad: readonly BadLine[];
} {
  const ranges: AddressRange[] = [];
  const bad: BadLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.replace(/[#;][^]*$/, '').trim();
    if (content === '') continue;
    const read = parseAddressRange(content);
    if (read.ok) ranges.push(read.value);
    else bad.push({ line: index + 1, message: read.message });
  }
  return { ranges, bad };
}

/** The lists with what their files say; a check has found before that it can be read. */
export function withPrefixFiles(
  lists: readonly AccessListConfig[],
  { readText }: Pick<Machine, 'readText'>,
): AccessListConfig[] {
  const rangesOf = (file: string | undefined): readonly AddressRange[] => {
    const read = file === undefined ? undefined : readText(file);
    return read?.ok ? parsePrefixFile(read.text).ranges : [];
  };
  return lists.map((list) => ({
    ...list,
    allow: [...list.allow, ...rangesOf(list.allowFile)],
    deny: [...list.deny, ...rangesOf(list.denyFile)],
  }));
}
