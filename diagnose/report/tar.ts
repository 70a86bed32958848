/** A tar archive (POSIX ustar) of a few files in memory: what every machine can unpack. */
import { concat } from '../../packet/bytes.ts';

export interface ArchivedFile {
  /** At most 100 bytes, with `/` between folders. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;

export function tar(files: readonly ArchivedFile[], timeSeconds: number): Uint8Array {
  const parts = files.flatMap(({ name, bytes }) => [
    header(name, bytes.length, timeSeconds),
    bytes,
    new Uint8Array((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES),
  ]);
  return concat(...parts, new Uint8Array(2 * BLOCK_BYTES));
}

/**
 *   | name 100 | mode 8 | uid 8 | gid 8 | size 12 | time 12 | checksum 8 | type 1 | … | ustar 00 |
 *
 * Numbers are octal text; the checksum is over the header with spaces in its own place.
 */
function header(name: string, sizeBytes: number, timeSeconds: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  const encoded = new TextEncoder().encode(name);
  if (encoded.length > NAME_BYTES)
    throw new RangeError(`a name in an archive has at most ${NAME_BYTES} bytes, got ${name}`);
  block.set(encoded, 0);
  put(100, `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`);
  put(124, `${octal(sizeBytes, 11)}\0${octal(Math.floor(timeSeconds), 11)}\0`);
  put(156, '0');
  put(257, 'ustar\x0000');
  block.fill(0x20, CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(CHECKSUM_AT, `${octal(sum, 6)}\0 `);
  return block;
}
