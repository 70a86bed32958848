/** ICMP errors about TCP are found in both families, and nothing else is taken for one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes } from './arbitraries.ts';
import { tcp } from './build.ts';
import { concat, fromHex, viewOf } from './bytes.ts';
import { LINK_RAW } from './link.ts';
import { emptyQuoted, locateQuotedSegment } from './quoted-segment.ts';

/** IPv4 and TCP of a SYN, without Ethernet: what a router quotes. */
const SYN = tcp({ from: '10.0.88.100:21521', to: '10.0.23.111:18056', flags: 'S' }).slice(14);
const V6 = '20010db8000000000000000000000001 20010db8000000000000000000000002';
const SYN6 = concat(fromHex(`60000000 0014 06 40 ${V6}`), SYN.slice(20));

const ROWS = [
  { name: 'port unreachable', packet: icmp4('03 03', SYN), is: '3/3 quoting at 48' },
  { name: 'administratively prohibited', packet: icmp4('03 0d', SYN), is: '3/13 quoting at 48' },
  { name: 'time exceeded', packet: icmp4('0b 00', SYN), is: '11/0 quoting at 48' },
  {
    name: 'eight bytes are enough',
    packet: icmp4('03 01', SYN.slice(0, 28)),
    is: '3/1 quoting at 48',
  },
  { name: 'seven are not', packet: icmp4('03 01', SYN.slice(0, 27)), is: 'none' },
  { name: 'an echo request', packet: icmp4('08 00', SYN), is: 'none' },
  { name: 'TCP itself', packet: SYN, is: 'none' },
  { name: 'about UDP', packet: icmp4('03 03', asProtocol(SYN, 17)), is: 'none' },
  {
    name: 'IPv6, administratively prohibited',
    packet: icmp6('01 01', SYN6),
    is: '1/1 quoting at 88',
  },
  { name: 'IPv6, an echo request', packet: icmp6('80 00', SYN6), is: 'none' },
];

for (const { name, packet, is } of ROWS) {
  test(`${name}: ${is}`, () => assert.equal(found(packet), is));
}

test('no bytes make it throw', () => {
  fc.assert(fc.property(anyBytes(0, 100), (bytes) => void found(bytes)));
  fc.assert(
    fc.property(fc.nat(75), fc.nat(255), (at, to) => {
      const packet = icmp4('03 03', SYN);
      packet[at] = to;
      found(packet);
    }),
  );
});

function icmp4(typeAndCode: string, quoted: Uint8Array): Uint8Array {
  const header = fromHex('45000044 00000000 4001 0000 0a005801 0a005864');
  return concat(header, fromHex(`${typeAndCode} 0000 00000000`), quoted);
}

function icmp6(typeAndCode: string, quoted: Uint8Array): Uint8Array {
  const header = fromHex(`60000000 0044 3a 40 ${V6}`);
  return concat(header, fromHex(`${typeAndCode} 0000 00000000`), quoted);
}

function asProtocol(packet: Uint8Array, protocol: number): Uint8Array {
  const changed = packet.slice();
  changed[9] = protocol;
  return changed;
}

function found(bytes: Uint8Array): string {
  const place = emptyQuoted();
  const whole = { at: 0, capturedBytes: bytes.length, onWireBytes: bytes.length };
  if (!locateQuotedSegment(viewOf(bytes), bytes, whole, LINK_RAW, place)) return 'none';
  return `${place.type}/${place.code} quoting at ${place.quotedTcpAt}`;
}
