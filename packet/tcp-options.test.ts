/** TCP options: each kind, each way to be wrong, and bytes kept exactly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyTcpOptions } from './arbitraries.ts';
import { fromHex, toHex } from './bytes.ts';
import { printTcpOption } from './print.ts';
import { encodeTcpOptions, mss, nop, parseTcpOptions, rawOption, toa } from './tcp-options.ts';

const OPTIONS = [
  { bytes: '', are: '' },
  { bytes: '01 01', are: 'nop,nop' },
  { bytes: '020405b4', are: 'mss 1460' },
  { bytes: '030307', are: 'wscale 7' },
  { bytes: '0402', are: 'sackOK' },
  { bytes: '050a 000003e8 000007d0', are: 'sack {1000:2000}' },
  { bytes: '0512 000003e8 000007d0 ffffffff 00000000', are: 'sack {1000:2000}{4294967295:0}' },
  { bytes: '080a 80000000 00000001', are: 'TS val 2147483648 ecr 1' },
  { bytes: '2202', are: 'tfo cookiereq' },
  { bytes: '2206 deadbeef', are: 'tfo cookie deadbeef' },
  { bytes: 'fe08 5411 0a005864', are: 'toa 10.0.88.100:21521' },
  { bytes: '01 fe08 5411 0a005864 020405b4', are: 'nop,toa 10.0.88.100:21521,mss 1460' },
  { bytes: 'fe06 f989 0001', are: 'unknown-254 0xf9890001' },
  { bytes: '1304 abcd', are: 'unknown-19 0xabcd' },
  { bytes: '00', are: 'eol' },
  { bytes: '020405b4 00 01 02', are: 'mss 1460,eol' },
  { bytes: '0203 05 0402', are: '[bad opt: bad-length 0x020305],sackOK' },
  { bytes: '0502', are: '[bad opt: bad-length 0x0502]' },
  { bytes: '0506 000003e8', are: '[bad opt: bad-length 0x0506000003e8]' },
  {
    bytes: '050e 000003e8 000007d0 00000bb8',
    are: '[bad opt: bad-length 0x050e000003e8000007d000000bb8]',
  },
  { bytes: '050b 000003e8 000007d0 00', are: '[bad opt: bad-length 0x050b000003e8000007d000]' },
  { bytes: '0809 00000001 000000', are: '[bad opt: bad-length 0x080900000001000000]' },
  { bytes: '0304 0707', are: '[bad opt: bad-length 0x03040707]' },
  { bytes: '0403 00', are: '[bad opt: bad-length 0x040300]' },
  { bytes: '01 0200 0402', are: 'nop,[bad opt: bad-length 0x02000402]' },
  { bytes: '01 0201 0402', are: 'nop,[bad opt: bad-length 0x02010402]' },
  { bytes: '01 02', are: 'nop,[bad opt: truncated 0x02]' },
  { bytes: '01 0204 05', are: 'nop,[bad opt: truncated 0x020405]' },
  { bytes: 'fe08 5411 0a0058', are: '[bad opt: truncated 0xfe0854110a0058]' },
];

for (const { bytes, are } of OPTIONS) {
  test(`options ${bytes || 'none'} are ${are || 'none'}`, () => {
    const options = parseTcpOptions(fromHex(bytes));
    assert.equal(options.map(printTcpOption).join(), are);
    assert.equal(toHex(encodeTcpOptions(options)), bytes.replaceAll(' ', ''));
  });
}

test('well-formed options are read back one by one', () => {
  fc.assert(
    fc.property(anyTcpOptions(), (options) =>
      assert.deepEqual(parseTcpOptions(encodeTcpOptions(options)), options),
    ),
  );
});

test('any bytes are read without a throw and given back as they were', () => {
  const nearlyOptions = fc
    .array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 10, 20, 34, 253, 254), fc.nat(255)), {
      maxLength: 40,
    })
    .map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(fc.oneof(anyBytes(0, 40), nearlyOptions), (bytes) => {
      assert.deepEqual(encodeTcpOptions(parseTcpOptions(bytes)), bytes);
    }),
    { numRuns: 1000 },
  );
});

test('raw bytes are written as they are', () => {
  const bytes = encodeTcpOptions([mss(1460), rawOption(fromHex('fe07')), nop]);
  assert.equal(toHex(bytes), '020405b4fe0701');
});

test('a TOA that is asked for under another number gets it', () => {
  assert.equal(toHex(encodeTcpOptions([toa('10.0.88.100:21521', 252)])), 'fc0854110a005864');
  assert.throws(() => toa('10.0.88.100'), { name: 'RangeError' });
});
