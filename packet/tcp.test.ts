/** TCP headers and their flags. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { port } from './address.ts';
import { anyBytes, anyTcpOptions, anyUnsigned, record } from './arbitraries.ts';
import { concat, fromHex, toHex } from './bytes.ts';
import { encodeTcp, hasFlag, parseTcp, tcpFlagBits, tcpFlags, tcpFlagsFromBits } from './tcp.ts';

const FIXED = '5411 4688 bd0a2f5f 00000000 5002 3908 abcd 0000';

const HEADERS = [
  { what: 'no options', bytes: FIXED, is: 'ok' },
  { what: 'data behind', bytes: `${FIXED} 6869`, is: 'ok' },
  { what: 'nothing', bytes: '', is: 'truncated at 0' },
  { what: '19 bytes', bytes: FIXED.slice(0, -2), is: 'truncated at 19' },
  { what: 'data offset 4', bytes: FIXED.replace('5002', '4002'), is: 'bad-length at 12' },
  { what: 'data offset 0', bytes: FIXED.replace('5002', '0002'), is: 'bad-length at 12' },
  {
    what: 'data offset beyond the segment',
    bytes: FIXED.replace('5002', '6002'),
    is: 'truncated at 20',
  },
];

for (const { what, bytes, is } of HEADERS) {
  test(`TCP, ${what}: ${is}`, () => {
    const result = parseTcp(fromHex(bytes));
    assert.equal(result.ok ? 'ok' : `${result.reason} at ${result.at}`, is);
  });
}

test('fields are read from where RFC 9293 draws them', () => {
  const bytes = fromHex('5411 4688 bd0a2f5f 80000001 6a19 3908 abcd 0102 020405b4');
  assert.deepEqual(parseTcp(bytes), {
    ok: true,
    value: {
      sourcePort: port(21_521),
      destinationPort: port(18_056),
      sequence: 3_171_561_311,
      acknowledgment: 2_147_483_649,
      headerBytes: 24,
      reserved: 10,
      flags: tcpFlags('FPA'),
      window: 14_600,
      checksum: 0xabcd,
      urgentPointer: 0x0102,
      options: [{ kind: 'mss', bytes: 1460 }],
    },
  });
});

const FLAGS = [
  { text: 'S', is: 'S', bits: 0x02 },
  { text: 'S.', is: 'SA', bits: 0x12 },
  { text: 'AS', is: 'SA', bits: 0x12 },
  { text: '.', is: 'A', bits: 0x10 },
  { text: 'PA', is: 'PA', bits: 0x18 },
  { text: 'F.', is: 'FA', bits: 0x11 },
  { text: 'R', is: 'R', bits: 0x04 },
  { text: 'SEW', is: 'SEW', bits: 0xc2 },
  { text: '', is: '', bits: 0 },
];

for (const { text, is, bits } of FLAGS) {
  test(`flags '${text}' are '${is}'`, () => {
    assert.equal<string>(tcpFlags(text), is);
    assert.equal(tcpFlagBits(tcpFlags(text)), bits);
  });
}

test('a letter that is no flag is refused', () => {
  assert.throws(() => tcpFlags('SYN'), /letters out of FSRPAUEW, got 'SYN'/);
});

test('all 256 combinations of flags are read back', () => {
  for (let bits = 0; bits < 256; bits++) assert.equal(tcpFlagBits(tcpFlagsFromBits(bits)), bits);
});

test('every header is read back, at any place', () => {
  const header = record({
    sourcePort: anyUnsigned(16).map(port),
    destinationPort: anyUnsigned(16).map(port),
    sequence: anyUnsigned(32),
    acknowledgment: anyUnsigned(32),
    reserved: fc.nat(15),
    flags: anyUnsigned(8).map(tcpFlagsFromBits),
    window: anyUnsigned(16),
    checksum: anyUnsigned(16),
    urgentPointer: anyUnsigned(16),
    options: anyTcpOptions(),
  });
  fc.assert(
    fc.property(header, anyBytes(0, 8), (given, before) => {
      const bytes = encodeTcp(given);
      assert.equal(bytes.length % 4, 0);
      const result = parseTcp(concat(before, bytes), before.length);
      assert.ok(result.ok);
      const { headerBytes, options, ...read } = result.value;
      assert.equal(headerBytes, bytes.length);
      assert.deepEqual(options.slice(0, given.options.length), given.options);
      assert.ok(options.slice(given.options.length).every(({ kind }) => kind === 'nop'));
      assert.deepEqual({ ...read, options: given.options }, given);
      assert.equal(hasFlag(result.value, 'S'), given.flags.includes('S'));
      assert.equal(toHex(encodeTcp(result.value)), toHex(bytes));
    }),
  );
});

test('more than 40 bytes of options are refused', () => {
  const parsed = parseTcp(fromHex(FIXED));
  assert.ok(parsed.ok);
  const options = Array.from({ length: 41 }, () => ({ kind: 'nop' }) as const);
  assert.throws(() => encodeTcp({ ...parsed.value, options }), /must fit 40 bytes, got 41/);
});
