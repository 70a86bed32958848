/** Bytes as hexadecimal and as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes } from './arbitraries.ts';
import { concat, fromHex, fromLatin1, sameBytes, toHex } from './bytes.ts';

test('hexadecimal digits may be spaced, but not halved', () => {
  assert.deepEqual(fromHex('45 00\n0034'), Uint8Array.of(0x45, 0, 0, 0x34));
  assert.throws(() => fromHex('450'), /not an even number of hexadecimal digits: '450'/);
  assert.throws(() => fromHex('zz'), { name: 'RangeError' });
});

test('text is one byte a character', () => {
  assert.deepEqual(fromLatin1('GET é'), Uint8Array.of(71, 69, 84, 32, 0xe9));
  assert.throws(() => fromLatin1('€'), /must be Latin-1, got '€'/);
  assert.throws(() => fromLatin1('𝄞'), { name: 'RangeError' });
});

test('bytes are joined, compared and read back', () => {
  fc.assert(
    fc.property(anyBytes(0, 20), anyBytes(0, 20), (a, b) => {
      assert.equal(toHex(concat(a, b)), toHex(a) + toHex(b));
      assert.deepEqual(fromHex(toHex(a)), a);
      assert.equal(sameBytes(a, b), toHex(a) === toHex(b));
      assert.equal(sameBytes(a, a.slice()), true);
    }),
  );
});
