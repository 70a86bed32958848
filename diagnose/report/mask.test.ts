/** Masked text and captures show no address of before, and stay what they were otherwise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import { tcp } from '../../packet/build.ts';
import { internetChecksum, transportChecksum } from '../../packet/checksum.ts';
import { parseFrame } from '../../packet/parse.ts';
import { capturedFrame, readPcap, writePcap } from '../../packet/pcap.ts';
import { toa } from '../../packet/tcp-options.ts';
import { nanoseconds } from '../../packet/unit.ts';
import { AddressMask } from './mask.ts';

test('the same address gets the same mask everywhere, and different ones differ', () => {
  const mask = new AddressMask();
  const masked = mask.text('10.0.88.100:1 > 10.0.23.111:2, 10.0.88.100 at 8a:f7:3d:47:bc:c8');
  assert.equal(masked, '198.18.0.1:1 > 198.18.0.2:2, 198.18.0.1 at 02:00:00:00:00:00');
});

test('IPv6 addresses are masked, too', () => {
  const masked = new AddressMask().text(
    'fe80::5405:23ff:fede:bcc9 [2a00:1450::1]:80 fe80::5405:23ff:fede:bcc9',
  );
  assert.equal(masked, '2001:db8::1 [2001:db8::2]:80 2001:db8::1');
});

test('what is no machine’s address stays', () => {
  const text = 'LISTEN 0.0.0.0:22 [::]:22 127.0.0.1 ::1 version 1.2.3 rule 300.1.2.3 at 16:34:00';
  assert.equal(new AddressMask().text(text), text);
});

test('a SYN with TOA is masked with it, and its checksums are right', () => {
  const [from, to] = [endpoint('10.0.124.161:5004'), endpoint('10.0.98.79:8056')];
  const frame = tcp({ from, to, flags: 'S', sequence: 1, options: [toa('10.0.88.100:21521')] });
  const mask = new AddressMask();
  const pcap = mask.capture(writePcap([capturedFrame(frame, nanoseconds(1n))]));
  const [found] = readPcap(pcap).frames;
  assert.ok(found);
  const packet = parseFrame(found.bytes);
  assert.ok(packet.ok && packet.value.kind === 'tcp');
  const { ipv4, tcp: header } = packet.value;
  assert.equal(
    mask.text('10.0.124.161 10.0.98.79 10.0.88.100'),
    '198.18.0.1 198.18.0.2 198.18.0.3',
  );
  assert.deepEqual([ipv4.source, ipv4.destination], [0xc6120001, 0xc6120002]);
  assert.deepEqual(header.options, [toa('198.18.0.3:21521')]);
  const ip = found.bytes.subarray(14, 14 + ipv4.headerBytes);
  assert.equal(internetChecksum(ip), 0);
  const segment = found.bytes.subarray(14 + ipv4.headerBytes, 14 + ipv4.totalBytes);
  const { source, destination, protocol } = ipv4;
  assert.equal(
    transportChecksum(segment, { source, destination, protocol, lengthBytes: segment.length }),
    0,
  );
});
