/** The printed line of each kind of packet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ethernet, icmpEcho, icmpError, ip, tcp, udp } from './build.ts';
import { fromHex } from './bytes.ts';
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
} from './icmp.ts';
import { parseIpv4Packet } from './parse.ts';
import { printFrame, printParsed, printTime } from './print.ts';
import { mss, nop, sackPermitted, timestamps, toa, windowScale } from './tcp-options.ts';
import { nanoseconds } from './unit.ts';

const client = '10.0.88.100:21521';
const local = '10.0.124.161:5004';
const backend = '10.0.98.79:8056';
const router = { from: '10.0.98.1', to: '10.0.124.161' };
const syn = tcp({ from: local, to: backend, flags: 'S', sequence: 3_171_571_935, window: 14_600 });

const LINES = [
  {
    frame: tcp({
      from: local,
      to: backend,
      flags: 'S',
      sequence: 3_171_571_935,
      window: 14_600,
      options: [mss(1460), nop, nop, sackPermitted, nop, windowScale(7), toa(client)],
    }),
    is: '10.0.124.161.5004 > 10.0.98.79.8056: S 3171571935 win 14600 length 60 <mss 1460,nop,nop,sackOK,nop,wscale 7,toa 10.0.88.100:21521>',
  },
  {
    frame: tcp({
      from: backend,
      to: local,
      flags: 'SA',
      sequence: 4_256_391_041,
      acknowledgment: 3_171_571_936,
      options: [timestamps(7, 9)],
    }),
    is: '10.0.98.79.8056 > 10.0.124.161.5004: S. 4256391041 ack 3171571936 win 64240 length 52 <TS val 7 ecr 9,nop,nop>',
  },
  {
    frame: tcp({ from: client, to: backend, flags: 'PA', sequence: 0xffff_fffe, payload: 'hello' }),
    is: '10.0.88.100.21521 > 10.0.98.79.8056: P. 4294967294:3(5) ack 0 win 64240 length 45',
  },
  {
    frame: tcp({ from: client, to: backend, flags: 'R', sequence: 5, window: 0 }),
    is: '10.0.88.100.21521 > 10.0.98.79.8056: R 5 win 0 length 40',
  },
  {
    frame: tcp({ from: client, to: backend, flags: '', urgentPointer: 3 }),
    is: '10.0.88.100.21521 > 10.0.98.79.8056: none 0 win 64240 length 40',
  },
  {
    frame: tcp({ from: client, to: backend, flags: 'UA', urgentPointer: 3 }),
    is: '10.0.88.100.21521 > 10.0.98.79.8056: .U 0 ack 0 win 64240 urg 3 length 40',
  },
  {
    frame: tcp({ from: client, to: backend, flags: 'S', badChecksum: 'both' }),
    is: '10.0.88.100.21521 > 10.0.98.79.8056: S 0 win 64240 length 40 [bad ipv4 checksum] [bad transport checksum]',
  },
  {
    frame: icmpError({
      ...router,
      type: ICMP_UNREACHABLE,
      code: ICMP_FRAGMENTATION_NEEDED,
      parameter: 1400,
      about: syn,
    }),
    is: '10.0.98.1 > 10.0.124.161: ICMP unreachable (fragmentation needed, mtu 1400) about (tcp 10.0.124.161.5004 > 10.0.98.79.8056 seq 3171571935) length 56',
  },
  {
    frame: icmpError({ ...router, type: ICMP_UNREACHABLE, code: 1, about: syn, quotedBytes: 0 }),
    is: '10.0.98.1 > 10.0.124.161: ICMP unreachable (host) about (tcp 10.0.124.161 > 10.0.98.79) length 48',
  },
  {
    frame: icmpError({ ...router, type: ICMP_UNREACHABLE, code: 15, about: syn, quotedBytes: 4 }),
    is: '10.0.98.1 > 10.0.124.161: ICMP unreachable (code 15) about (tcp 10.0.124.161.5004 > 10.0.98.79.8056) length 52',
  },
  {
    frame: icmpError({ ...router, type: ICMP_TIME_EXCEEDED, code: 0, about: syn }),
    is: '10.0.98.1 > 10.0.124.161: ICMP time exceeded (ttl) about (tcp 10.0.124.161.5004 > 10.0.98.79.8056 seq 3171571935) length 56',
  },
  {
    frame: icmpError({ ...router, type: ICMP_REDIRECT, code: 1, about: syn.slice(0, 20) }),
    is: '10.0.98.1 > 10.0.124.161: ICMP type 5 code 1 about a packet that cannot be read, length 34',
  },
  {
    frame: icmpEcho({ from: '10.0.88.100', to: '10.0.23.111', identifier: 4, sequence: 2 }),
    is: '10.0.88.100 > 10.0.23.111: ICMP echo request id 4 seq 2 length 28',
  },
  {
    frame: icmpEcho({ from: '10.0.23.111', to: '10.0.88.100', reply: true, identifier: 40_000 }),
    is: '10.0.23.111 > 10.0.88.100: ICMP echo reply id 40000 seq 1 length 28',
  },
  {
    frame: udp({ from: client, to: backend, payload: 'x' }),
    is: '10.0.88.100 > 10.0.98.79: udp length 29',
  },
  {
    frame: ip({ from: '10.0.88.100', to: '10.0.98.79', protocol: 47 }),
    is: '10.0.88.100 > 10.0.98.79: protocol 47 length 20',
  },
  {
    frame: tcp({
      from: client,
      to: backend,
      flags: 'A',
      identification: 7,
      fragment: { offsetBytes: 8, more: true },
    }),
    is: '10.0.88.100 > 10.0.98.79: tcp fragment id 7 offset 8 more length 40',
  },
  { frame: ethernet({ etherType: 0x0806 }, fromHex('0001')), is: 'ARP length 2' },
  { frame: ethernet({ etherType: 0x86dd }, fromHex('60')), is: 'IPv6 length 1' },
  { frame: ethernet({ etherType: 0x88cc }, fromHex('')), is: 'ethertype 0x88cc length 0' },
  { frame: syn.slice(0, 40), is: 'malformed packet: truncated at byte 40' },
  { frame: fromHex('00'), is: 'malformed packet: truncated at byte 1' },
];

for (const { frame, is } of LINES) {
  test(`prints ${is}`, () => assert.equal(printFrame(frame), is));
}

test('the line begins with the time, if there is one', () => {
  const time = nanoseconds(1_385_152_296_436_453_999n);
  assert.equal(
    printFrame(fromHex(''), { time }),
    '20:31:36.436453 malformed packet: truncated at byte 0',
  );
  assert.equal(
    printParsed(parseIpv4Packet(syn.slice(14)), { time, utcOffsetSeconds: 3600 }).slice(0, 20),
    '21:31:36.436453 10.0',
  );
});

const TIMES = [
  { at: 0n, offset: 0, is: '00:00:00.000000' },
  { at: 0n, offset: -1, is: '23:59:59.000000' },
  { at: -1n, offset: 0, is: '23:59:59.999999' },
  { at: 86_399_999_999_999n, offset: 0, is: '23:59:59.999999' },
  { at: 86_399_999_999_999n, offset: 28_800, is: '07:59:59.999999' },
];

for (const { at, offset, is } of TIMES) {
  test(`${at} ns, ${offset} s from UTC, is ${is}`, () =>
    assert.equal(printTime(nanoseconds(at), offset), is));
}
