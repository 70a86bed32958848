/** IPv4 headers: every length that can contradict another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipv4Address } from './address.ts';
import { anyBytes, anyIpv4Address, anyUnsigned, record } from './arbitraries.ts';
import { concat, fromHex, toHex } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import { encodeIpv4, parseIpv4 } from './ipv4.ts';

/** 20 bytes of header, 4 of payload. */
const GOOD = '45000018 00074000 4006b690 0a005864 0a00176f 01020304';

const HEADERS = [
  { what: 'good', bytes: GOOD, is: 'ok' },
  { what: 'bytes after the packet', bytes: `${GOOD} 0000`, is: 'ok' },
  { what: 'nothing', bytes: '', is: 'truncated at 0' },
  { what: '19 bytes', bytes: GOOD.replaceAll(' ', '').slice(0, 38), is: 'truncated at 19' },
  { what: 'version 6', bytes: GOOD.replace('45', '65'), is: 'bad-version at 0' },
  { what: 'a header of 16 bytes', bytes: GOOD.replace('45', '44'), is: 'bad-length at 0' },
  {
    what: 'a header longer than the packet',
    bytes: GOOD.replace('45', '47'),
    is: 'truncated at 24',
  },
  {
    what: 'a header longer than the total length',
    bytes: `${GOOD.replace('45', '47')} 00000000`,
    is: 'bad-length at 2',
  },
  { what: 'total length 0', bytes: GOOD.replace('0018', '0000'), is: 'bad-length at 2' },
  { what: 'total length 19', bytes: GOOD.replace('0018', '0013'), is: 'bad-length at 2' },
  {
    what: 'more total length than bytes',
    bytes: GOOD.replace('0018', '0019'),
    is: 'truncated at 24',
  },
];

for (const { what, bytes, is } of HEADERS) {
  test(`IPv4, ${what}: ${is}`, () => {
    const result = parseIpv4(fromHex(bytes));
    assert.equal(result.ok ? 'ok' : `${result.reason} at ${result.at}`, is);
  });
}

test('a capture that kept only the header knows what was on the wire', () => {
  const kept = fromHex(GOOD).slice(0, 20);
  assert.equal(parseIpv4(kept).ok, false);
  const result = parseIpv4(kept, 0, 24);
  assert.equal(result.ok && result.value.totalBytes, 24);
});

test('fields are read from where RFC 791 draws them', () => {
  const result = parseIpv4(fromHex('46b80018 1234e0b9 05110000 0a005864 0a00176f 94040000'));
  assert.deepEqual(result, {
    ok: true,
    value: {
      headerBytes: 24,
      trafficClass: 0xb8,
      totalBytes: 24,
      identification: 0x1234,
      reservedFlag: true,
      dontFragment: true,
      moreFragments: true,
      fragmentOffsetBytes: 0xb9 * 8,
      ttl: 5,
      protocol: 17,
      checksum: 0,
      source: ipv4Address('10.0.88.100'),
      destination: ipv4Address('10.0.23.111'),
      options: fromHex('94040000'),
    },
  });
});

const anyFields = record({
  trafficClass: anyUnsigned(8),
  identification: anyUnsigned(16),
  reservedFlag: fc.boolean(),
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffsetBytes: fc.integer({ min: 0, max: 8191 }).map((units) => units * 8),
  ttl: anyUnsigned(8),
  protocol: anyUnsigned(8),
  source: anyIpv4Address(),
  destination: anyIpv4Address(),
  options: fc.integer({ min: 0, max: 10 }).chain((words) => anyBytes(words * 4, words * 4)),
  payloadBytes: fc.integer({ min: 0, max: 200 }),
});

test('every header is read back, with lengths and checksum right', () => {
  fc.assert(
    fc.property(anyFields, anyBytes(0, 16), (given, before) => {
      const bytes = encodeIpv4(given);
      assert.equal(internetChecksum(bytes), 0);
      const { payloadBytes, ...fields } = given;
      const packet = concat(before, bytes, new Uint8Array(payloadBytes));
      const result = parseIpv4(packet, before.length);
      assert.ok(result.ok);
      const { headerBytes, totalBytes, checksum, ...read } = result.value;
      assert.deepEqual(read, fields);
      assert.equal(headerBytes, bytes.length);
      assert.equal(totalBytes, bytes.length + payloadBytes);
      assert.equal(toHex(encodeIpv4({ ...given, checksum })), toHex(bytes));
    }),
  );
});

test('fields that no header can hold are refused', () => {
  const fields = fc.sample(anyFields, 1)[0];
  assert.ok(fields);
  assert.throws(
    () => encodeIpv4({ ...fields, options: new Uint8Array(41) }),
    /fit 40 bytes, got 41/,
  );
  assert.throws(() => encodeIpv4({ ...fields, fragmentOffsetBytes: 7 }), /multiple of 8, got 7/);
  const tooLong = { ...fields, options: new Uint8Array(0), payloadBytes: 65_516 };
  assert.throws(() => encodeIpv4(tooLong), /at most 65535 bytes, got 65536/);
});
