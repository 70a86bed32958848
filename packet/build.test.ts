/** The builder: what it makes is right, and wrong only where asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endpoint, ipv4Address } from './address.ts';
import { anyTcpPacketFields } from './arbitraries.ts';
import { ethernet, icmpEcho, icmpError, ip, tcp, udp } from './build.ts';
import { concat, fromHex, toHex } from './bytes.ts';
import { ICMP_TIME_EXCEEDED } from './icmp.ts';
import { parseFrame, verifyChecksums } from './parse.ts';
import { mss, toa } from './tcp-options.ts';
import { tcpFlags } from './tcp.ts';

const client = '10.0.88.100:21521';
const listener = '10.0.23.111:18056';
const local = '10.0.124.161:5004';
const backend = '10.0.98.79:8056';
const plain = { from: client, to: listener, flags: 'S' };

test('the SYN of the report, byte for byte; tshark calls both checksums good', () => {
  const frame = tcp({
    from: local,
    to: backend,
    flags: 'S',
    sequence: 3_171_571_935,
    window: 14_600,
    options: [mss(1460), toa(client)],
  });
  const expected = concat(
    fromHex('020000000002 020000000001 0800'),
    fromHex('45000034 00004000 4006 47d4 0a007ca1 0a00624f'),
    fromHex('138c 1f78 bd0a58df 00000000 8002 3908 4eb9 0000'),
    fromHex('020405b4 fe0854110a005864'),
  );
  assert.equal(toHex(frame), toHex(expected));
});

const CHECKSUMS = [
  { what: 'TCP', frame: tcp(plain), is: 'good good' },
  { what: 'UDP', frame: udp({ from: client, to: listener, payload: 'x' }), is: 'good good' },
  {
    what: 'ICMP echo',
    frame: icmpEcho({ from: '10.0.88.100', to: '10.0.23.111' }),
    is: 'good good',
  },
  { what: 'ICMP error', frame: about(tcp(plain)), is: 'good good' },
  {
    what: 'GRE',
    frame: ip({ from: '10.0.88.100', to: '10.0.23.111', protocol: 47 }),
    is: 'good not-checkable',
  },
  { what: 'a bad IPv4 checksum', frame: tcp({ ...plain, badChecksum: 'ipv4' }), is: 'bad good' },
  {
    what: 'a bad TCP checksum',
    frame: tcp({ ...plain, badChecksum: 'transport' }),
    is: 'good bad',
  },
  { what: 'both bad', frame: tcp({ ...plain, badChecksum: 'both' }), is: 'bad bad' },
  { what: 'a given TCP checksum', frame: tcp({ ...plain, tcp: { checksum: 1 } }), is: 'good bad' },
  {
    what: 'a given IPv4 checksum',
    frame: tcp({ ...plain, ipv4: { checksum: 1 } }),
    is: 'bad good',
  },
  { what: 'IP options', frame: tcp({ ...plain, ipOptions: fromHex('94040000') }), is: 'good good' },
  {
    what: 'a fragment',
    frame: tcp({ ...plain, fragment: { offsetBytes: 0, more: true } }),
    is: 'good not-checkable',
  },
  { what: 'padding behind', frame: tcp({ ...plain, trailer: fromHex('ffff') }), is: 'good good' },
];

for (const { what, frame, is } of CHECKSUMS) {
  test(`checksums, ${what}: ${is}`, () => {
    const result = verifyChecksums(frame);
    assert.equal(result.ok && `${result.value.ipv4} ${result.value.transport}`, is);
  });
}

const MALFORMED = [
  {
    what: 'an IPv4 header of 16 bytes',
    frame: tcp({ ...plain, ipv4: { headerWords: 4 } }),
    is: 'bad-length at 14',
  },
  { what: 'IP version 5', frame: tcp({ ...plain, ipv4: { version: 5 } }), is: 'bad-version at 14' },
  {
    what: 'a total length of 19',
    frame: tcp({ ...plain, ipv4: { totalBytes: 19 } }),
    is: 'bad-length at 16',
  },
  {
    what: 'a total length beyond the frame',
    frame: tcp({ ...plain, ipv4: { totalBytes: 41 } }),
    is: 'truncated at 54',
  },
  {
    what: 'a total length within the TCP header',
    frame: tcp({ ...plain, ipv4: { totalBytes: 39 } }),
    is: 'truncated at 53',
  },
  {
    what: 'data offset 4',
    frame: tcp({ ...plain, tcp: { headerWords: 4 } }),
    is: 'bad-length at 46',
  },
  {
    what: 'data offset 15',
    frame: tcp({ ...plain, tcp: { headerWords: 15 } }),
    is: 'truncated at 54',
  },
  { what: 'cut in the IPv4 header', frame: tcp({ ...plain, cutTo: 30 }), is: 'truncated at 30' },
  {
    what: 'cut in the Ethernet header',
    frame: tcp({ ...plain, cutTo: 13 }),
    is: 'truncated at 13',
  },
];

for (const { what, frame, is } of MALFORMED) {
  test(`malformed, ${what}: ${is}`, () => {
    const result = parseFrame(frame);
    assert.equal(result.ok ? 'ok' : `${result.reason} at ${result.at}`, is);
  });
}

test('what is not given is ordinary', () => {
  const result = parseFrame(tcp(plain));
  assert.ok(result.ok && result.value.kind === 'tcp');
  const { ipv4, tcp: header, ethernet: link } = result.value;
  assert.deepEqual(
    [ipv4.ttl, ipv4.dontFragment, header.window, header.sequence, link.tags.length],
    [64, true, 64_240, 0, 0],
  );
});

test('link-layer fields are as given, and tags are known to an ICMP error about the frame', () => {
  const tagged = tcp({
    ...plain,
    ethernet: { source: '02:00:0a:00:58:64', tags: [{ etherType: 0x8100, control: 5 }] },
  });
  const result = parseFrame(about(tagged));
  assert.ok(result.ok && result.value.kind === 'icmp' && result.value.icmp.kind === 'error');
  const { quoted } = result.value.icmp;
  assert.equal(quoted.ok && quoted.value.destinationPort, endpoint(listener).port);
  assert.equal(toHex(tagged.slice(0, 18)), '02000000000202000a005864810000050800');
});

test('addresses may be given as values', () => {
  const asValues = tcp({ ...plain, from: endpoint(client), to: endpoint(listener) });
  assert.equal(toHex(asValues), toHex(tcp(plain)));
  const echo = icmpEcho({ from: ipv4Address('10.0.88.100'), to: '10.0.23.111' });
  assert.equal(toHex(echo), toHex(icmpEcho({ from: '10.0.88.100', to: '10.0.23.111' })));
});

test('any other link-layer protocol has its own type', () => {
  const result = parseFrame(ethernet({ etherType: 0x0806 }, fromHex('0001')));
  assert.ok(result.ok && result.value.kind === 'not-ipv4');
  assert.equal(result.value.etherType, 0x0806);
});

test('every TCP frame is read back as it was built, with valid checksums', () => {
  fc.assert(
    fc.property(anyTcpPacketFields(), (given) => {
      const frame = tcp(given);
      assert.deepEqual(verifyChecksums(frame), {
        ok: true,
        value: { ipv4: 'good', transport: 'good' },
      });
      const result = parseFrame(frame);
      assert.ok(result.ok && result.value.kind === 'tcp');
      const { ipv4, tcp: header, payload } = result.value;
      const count = given.options.length;
      assert.deepEqual(
        {
          from: { address: ipv4.source, port: header.sourcePort },
          to: { address: ipv4.destination, port: header.destinationPort },
          flags: header.flags,
          sequence: header.sequence,
          acknowledgment: header.acknowledgment,
          window: header.window,
          urgentPointer: header.urgentPointer,
          options: header.options.slice(0, count),
          payload,
          ttl: ipv4.ttl,
          trafficClass: ipv4.trafficClass,
          identification: ipv4.identification,
          dontFragment: ipv4.dontFragment,
          ipOptions: ipv4.options,
          trailer: frame.slice(14 + ipv4.totalBytes),
        },
        {
          ...given,
          flags: tcpFlags(given.flags),
        },
      );
      assert.ok(header.options.slice(count).every(({ kind }) => kind === 'nop'));
    }),
  );
});

function about(frame: Uint8Array): Uint8Array {
  return icmpError({
    from: '10.0.23.1',
    to: '10.0.88.100',
    type: ICMP_TIME_EXCEEDED,
    code: 0,
    about: frame,
  });
}
