/** ICMP messages, and the packets that errors quote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpv4Address } from './address.ts';
import { anyBytes } from './arbitraries.ts';
import { tcp } from './build.ts';
import { concat, fromHex } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import { encodeIcmp, parseIcmp, type IcmpMessage } from './icmp.ts';

/** A SYN from local to backend, without its Ethernet header. */
const SYN = tcp({
  from: '10.0.124.161:5004',
  to: '10.0.98.79:8056',
  flags: 'S',
  sequence: 7,
}).slice(14);
const QUOTED = '10.0.124.161:5004 > 10.0.98.79:8056';

function error(body: Uint8Array): Uint8Array {
  return encodeIcmp({ type: 3, code: 4, parameter: 1400, body });
}

const MESSAGES = [
  { what: 'the whole packet quoted', bytes: error(SYN), is: `${QUOTED} seq 7` },
  { what: '8 bytes of TCP quoted', bytes: error(SYN.slice(0, 28)), is: `${QUOTED} seq 7` },
  { what: '7 bytes of TCP quoted', bytes: error(SYN.slice(0, 27)), is: `${QUOTED} seq undefined` },
  {
    what: '3 bytes of TCP quoted',
    bytes: error(SYN.slice(0, 23)),
    is: '10.0.124.161:5004 > 10.0.98.79:undefined seq undefined',
  },
  {
    what: 'only the IPv4 header quoted',
    bytes: error(SYN.slice(0, 20)),
    is: '10.0.124.161:undefined > 10.0.98.79:undefined seq undefined',
  },
  { what: '19 bytes quoted', bytes: error(SYN.slice(0, 19)), is: 'quoted truncated at 27' },
  { what: 'nothing quoted', bytes: error(new Uint8Array(0)), is: 'quoted truncated at 8' },
  {
    what: 'an IPv6 packet quoted',
    bytes: error(concat(fromHex('60'), SYN.slice(1))),
    is: 'quoted bad-version at 8',
  },
  { what: 'an echo request', bytes: fromHex('0800 0000 00010001 6869'), is: 'other 8/0' },
  { what: '7 bytes', bytes: fromHex('0300 0000 000000'), is: 'truncated at 7' },
];

for (const { what, bytes, is } of MESSAGES) {
  test(`ICMP, ${what}: ${is}`, () => {
    const result = parseIcmp(bytes);
    assert.equal(result.ok ? describe(result.value) : `${result.reason} at ${result.at}`, is);
  });
}

test('a fragment that is not the first quotes no ports, for it has none', () => {
  const later = SYN.slice();
  later.set([0x00, 0x10], 6);
  const result = parseIcmp(error(later));
  assert.ok(result.ok);
  assert.equal(
    describe(result.value),
    '10.0.124.161:undefined > 10.0.98.79:undefined seq undefined',
  );
});

test('any message is read without a throw, and the same bytes are built from it', () => {
  const type = fc.constantFrom(0, 3, 4, 5, 8, 11, 12, 200);
  fc.assert(
    fc.property(type, anyBytes(3, 80), (first, rest) => {
      const result = parseIcmp(concat(Uint8Array.of(first), rest));
      if (!result.ok) return assert.ok(rest.length < 7);
      assert.deepEqual(encodeIcmp(result.value), concat(Uint8Array.of(first), rest));
    }),
  );
});

test('the checksum covers the quoted packet', () => assert.equal(internetChecksum(error(SYN)), 0));

function describe(message: IcmpMessage): string {
  if (message.kind === 'other') return `other ${message.type}/${message.code}`;
  const { quoted } = message;
  if (!quoted.ok) return `quoted ${quoted.reason} at ${quoted.at}`;
  const { ipv4, sourcePort, destinationPort, sequence } = quoted.value;
  const from = `${formatIpv4Address(ipv4.source)}:${sourcePort}`;
  return `${from} > ${formatIpv4Address(ipv4.destination)}:${destinationPort} seq ${sequence}`;
}
