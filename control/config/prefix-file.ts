/** Files of addresses as block lists come: a range a line, what follows # or ; is a comment. */
import { parseAddressRange, type AddressRange } from '../../packet/address-range.ts';

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
