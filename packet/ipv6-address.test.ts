/** IPv6 addresses: RFC 5952 texts, and what is not one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes } from './arbitraries.ts';
import {
  ipv6AddressBytes,
  ipv6AddressFromBytes,
  isIpv6Text,
  parseIpv6Address,
} from './ipv6-address.ts';

const TEXTS = [
  { text: '::', is: '::' },
  { text: '::1', is: '::1' },
  { text: '2001:DB8::1', is: '2001:db8::1' },
  { text: '2001:db8:0:0:1:0:0:1', is: '2001:db8::1:0:0:1' },
  { text: '2001:db8:0:1:1:1:1:1', is: '2001:db8:0:1:1:1:1:1' },
  { text: '2001:0db8:0000:0000:0000:0000:0002:0001', is: '2001:db8::2:1' },
  { text: '1::', is: '1::' },
  { text: '::ffff:10.0.0.1', is: '::ffff:a00:1' },
  { text: '1:2:3:4:5:6:7:8', is: '1:2:3:4:5:6:7:8' },
  { text: '1:2:3:4:5:6:7::', is: '1:2:3:4:5:6:7:0' },
  { text: '1:2:3:4:5:6:7', is: 'malformed' },
  { text: '1:2:3:4:5:6:7:8:9', is: 'malformed' },
  { text: '1:2:3:4::5:6:7:8', is: 'malformed' },
  { text: '1::2::3', is: 'malformed' },
  { text: '12345::', is: 'malformed' },
  { text: '::ffff:10.0.0.256', is: 'malformed' },
  { text: ':1::', is: 'malformed' },
  { text: '', is: 'malformed' },
  { text: '10.0.0.1', is: 'malformed' },
  { text: 'web', is: 'malformed' },
];

for (const { text, is } of TEXTS) {
  test(`IPv6 '${text}' is ${is}`, () => {
    const result = parseIpv6Address(text);
    assert.equal<string>(result.ok ? result.value : result.reason, is);
  });
}

test('a prefix length or a zone does not hide the family', () => {
  assert.equal(isIpv6Text('2001:db8::/32'), true);
  assert.equal(isIpv6Text('fe80::1%eth0'), true);
  assert.equal(isIpv6Text('10.0.0.0/8'), false);
  assert.equal(isIpv6Text('web:80'), false);
});

test('every 16 bytes are read back from their text', () => {
  fc.assert(
    fc.property(anyBytes(16, 16), (bytes) => {
      const address = ipv6AddressFromBytes(bytes);
      assert.deepEqual(ipv6AddressBytes(address), bytes);
      assert.deepEqual(parseIpv6Address(address), { ok: true, value: address });
    }),
  );
});

test('mostly zeros, where shortening happens, are read back too', () => {
  const sparse = fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(sparse, (bytes) => {
      const given = Uint8Array.from(bytes);
      assert.deepEqual(ipv6AddressBytes(ipv6AddressFromBytes(given)), given);
    }),
  );
});
