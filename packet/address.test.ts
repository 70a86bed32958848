/** Addresses, ports and endpoints as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  endpoint,
  formatEndpoint,
  formatIpv4Address,
  ipv4Address,
  ipv4AddressBytes,
  parseEndpoint,
  parseIpv4Address,
  parsePort,
  port,
} from './address.ts';
import { anyEndpoint, anyIpv4Address } from './arbitraries.ts';
import type { ParsedText } from './parsed.ts';

const ADDRESSES = [
  { text: '0.0.0.0', is: 0 },
  { text: '10.0.88.100', is: 0x0a005864 },
  { text: '255.255.255.255', is: 0xffffffff },
  { text: '10.0.88', is: 'malformed' },
  { text: '10.0.88.100.1', is: 'malformed' },
  { text: '10.0.88.0100', is: 'malformed' },
  { text: '10.0.88.010', is: 'malformed' },
  { text: '10.0.88.256', is: 'out-of-range' },
  { text: ' 10.0.88.1', is: 'malformed' },
  { text: '10.0.88.1\n', is: 'malformed' },
  { text: '0x0a.0.88.1', is: 'malformed' },
  { text: '', is: 'malformed' },
  { text: '::', is: 'ipv6' },
  { text: '2001:db8::1', is: 'ipv6' },
  { text: '::ffff:10.0.0.1', is: 'ipv6' },
];

for (const { text, is } of ADDRESSES) {
  test(`address '${text}' is ${is}`, () => assert.equal(outcome(parseIpv4Address(text)), is));
}

const PORTS = [
  { text: '0', is: 0 },
  { text: '65535', is: 65535 },
  { text: '65536', is: 'out-of-range' },
  { text: '-1', is: 'malformed' },
  { text: '80x', is: 'malformed' },
  { text: '', is: 'malformed' },
  { text: '1e3', is: 'malformed' },
];

for (const { text, is } of PORTS) {
  test(`port '${text}' is ${is}`, () => assert.equal(outcome(parsePort(text)), is));
}

const ENDPOINTS = [
  { text: '10.0.23.111:18056', is: '10.0.23.111:18056' },
  { text: '10.0.23.111', is: 'malformed' },
  { text: '10.0.23.111:', is: 'malformed' },
  { text: ':80', is: 'malformed' },
  { text: '10.0.23.111:80:81', is: 'malformed' },
  { text: '10.0.23.111:70000', is: 'out-of-range' },
  { text: '10.0.23.300:80', is: 'out-of-range' },
  { text: '[2001:db8::1]:80', is: 'ipv6' },
  { text: '[2001:db8::1]', is: 'ipv6' },
  { text: '2001:db8::1', is: 'ipv6' },
];

for (const { text, is } of ENDPOINTS) {
  test(`endpoint '${text}' is ${is}`, () => {
    const result = parseEndpoint(text);
    assert.equal(result.ok ? formatEndpoint(result.value) : result.reason, is);
  });
}

test('a refused text is quoted in the message', () => {
  const result = parseEndpoint('10.0.23.111:70000');
  assert.equal(!result.ok && result.message, 'port must be in 0..65535, got 70000');
});

test('what the program itself writes throws when it is wrong', () => {
  assert.throws(() => ipv4Address('10.0.0'), /'10\.0\.0' is not an IPv4 address/);
  assert.throws(() => ipv4Address(-1), /must be an integer in 0\.\.4294967295, got -1/);
  assert.throws(() => ipv4Address(2 ** 32), { name: 'RangeError' });
  assert.throws(() => port(70_000), /port must be an integer in 0\.\.65535, got 70000/);
  assert.throws(() => port(1.5), { name: 'RangeError' });
  assert.throws(() => endpoint('web:80'), { name: 'RangeError' });
});

test('bytes are in wire order', () => {
  assert.deepEqual(ipv4AddressBytes(ipv4Address('10.0.88.100')), Uint8Array.of(10, 0, 88, 100));
});

test('every address and endpoint is read back from its text', () => {
  fc.assert(
    fc.property(anyIpv4Address(), (address) => {
      assert.equal(ipv4Address(formatIpv4Address(address)), address);
    }),
  );
  fc.assert(
    fc.property(anyEndpoint(), (one) => assert.deepEqual(endpoint(formatEndpoint(one)), one)),
  );
});

test('no text makes a parser throw', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9.:/[\]abf]*$/));
  fc.assert(
    fc.property(text, (any) => {
      parseIpv4Address(any);
      parsePort(any);
      parseEndpoint(any);
    }),
  );
});

function outcome(result: ParsedText<number>): number | string {
  return result.ok ? result.value : result.reason;
}
