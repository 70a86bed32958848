/** TOA in both families, under every number that systems use. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyToa } from './arbitraries.ts';
import { fromHex } from './bytes.ts';
import { encodeToa, formatToaClient, parseToa, TOA4_BYTES, TOA6_BYTES } from './toa.ts';

const OPTIONS = [
  { bytes: 'fe08 5411 0a005864', is: '254 10.0.88.100:21521' },
  { bytes: 'fd08 5411 0a005864', is: '253 10.0.88.100:21521' },
  { bytes: 'fc08 5411 0a005864', is: '252 10.0.88.100:21521' },
  { bytes: 'c808 5411 0a005864', is: '200 10.0.88.100:21521' },
  { bytes: 'fe14 5411 20010db8000000000000000000000001', is: '254 [2001:db8::1]:21521' },
  { bytes: 'fd14 5411 20010db8000000000000000000000001', is: '253 [2001:db8::1]:21521' },
  { bytes: 'ff08 5411 0a005864', is: 'bad-type at 0' },
  { bytes: 'fe07 5411 0a0058', is: 'bad-length at 1' },
  { bytes: 'fe09 5411 0a00586400', is: 'bad-length at 1' },
  { bytes: 'fe00', is: 'bad-length at 1' },
  { bytes: 'fe08 5411 0a0058', is: 'truncated at 7' },
  { bytes: 'fe14 5411 0a005864', is: 'truncated at 8' },
  { bytes: 'fe', is: 'truncated at 1' },
  { bytes: '', is: 'truncated at 0' },
];

for (const { bytes, is } of OPTIONS) {
  test(`TOA ${bytes} is ${is}`, () => {
    const result = parseToa(fromHex(bytes));
    if (!result.ok) return assert.equal(`${result.reason} at ${result.at}`, is);
    assert.equal(`${result.value.number} ${formatToaClient(result.value)}`, is);
    assert.deepEqual(encodeToa(result.value), fromHex(bytes));
  });
}

test('every TOA is read back, also with bytes behind it', () => {
  fc.assert(
    fc.property(anyToa(), anyBytes(0, 8), (toa, behind) => {
      const bytes = encodeToa(toa);
      assert.equal(bytes.length, toa.family === 'ipv4' ? TOA4_BYTES : TOA6_BYTES);
      const value = parseToa(Uint8Array.from([...bytes, ...behind]));
      assert.deepEqual(value, { ok: true, value: toa });
    }),
  );
});
