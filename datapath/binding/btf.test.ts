/** The BTF parser against a compiler's own answers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseBtf } from './btf.ts';
import { compileText, lacksClang } from './testdata/compile.ts';

const SOURCE = `
enum colour { RED = 1, BLUE = -7 };
typedef const volatile unsigned short number;
struct inner { char a; int b; };
struct outer {
  char first;
  number second;
  struct inner third[3];
  union { long fourth; char fifth[12]; };
  enum colour sixth;
  void *seventh;
  unsigned eighth : 4, ninth : 4;
};
struct outer one;
enum colour two;
`;

test('sizes, offsets and enumerators are those of C', { skip: lacksClang }, () => {
  const btf = parseBtf(readFileSync(compileText('btf', SOURCE)));
  assert.deepEqual(btf.structs.get('inner'), {
    bytes: 8,
    fields: [
      { name: 'a', offset: 0, bytes: 1 },
      { name: 'b', offset: 4, bytes: 4 },
    ],
  });
  assert.deepEqual(
    btf.structs.get('outer')?.fields.map(({ name, offset, bytes }) => [name, offset, bytes]),
    [
      ['first', 0, 1],
      ['second', 2, 2],
      ['third', 4, 24],
      ['fourth', 32, 8],
      ['fifth', 32, 12],
      ['sixth', 48, 4],
      ['seventh', 56, 8],
      ['eighth', 64, 4],
      ['ninth', 64.5, 4],
    ],
  );
  assert.equal(btf.structs.get('outer')?.bytes, 72);
  assert.deepEqual(
    [...(btf.enums.get('colour') ?? [])],
    [
      ['RED', 1],
      ['BLUE', -7],
    ],
  );
});

test('what is not an object with BTF is refused with the reason', () => {
  assert.throws(() => parseBtf(Buffer.from('hello')), /RangeError: not an ELF object/);
  const elf = Buffer.alloc(64);
  elf.write('\x7fELF', 'latin1');
  assert.throws(() => parseBtf(elf), /has no section .BTF; compile it with -g/);
});
