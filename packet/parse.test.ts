/** Whole frames: what kind they are, and that no bytes at all make the parser throw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyTcpPacketFields, record } from './arbitraries.ts';
import { ethernet, icmpEcho, icmpError, ip, tcp, udp } from './build.ts';
import { fromHex, toHex } from './bytes.ts';
import { parseFrame, verifyChecksums, verifyIpv4Checksums } from './parse.ts';
import { printFrame } from './print.ts';

const plain = { from: '10.0.88.100:21521', to: '10.0.23.111:18056', flags: 'PA', payload: 'hello' };
const hosts = { from: '10.0.88.100', to: '10.0.23.111' };
const middle = { offsetBytes: 1480, more: false };

const FRAMES = [
  { what: 'TCP', frame: tcp(plain), is: 'tcp hello' },
  {
    what: 'TCP with padding behind',
    frame: tcp({ ...plain, trailer: fromHex('00') }),
    is: 'tcp hello',
  },
  { what: 'UDP', frame: udp({ ...plain }), is: 'other ....VE..hello' },
  { what: 'echo', frame: icmpEcho({ ...hosts, payload: 'ping' }), is: 'icmp ping' },
  { what: 'GRE', frame: ip({ ...hosts, protocol: 47, payload: 'gre' }), is: 'other gre' },
  { what: 'ARP', frame: ethernet({ etherType: 0x0806 }, fromHex('41')), is: 'not-ipv4 A' },
  { what: 'IPv6', frame: ethernet({ etherType: 0x86dd }, fromHex('42')), is: 'not-ipv4 B' },
  {
    what: 'a fragment in the middle',
    frame: ip({ ...hosts, protocol: 6, payload: 'frag', fragment: middle }),
    is: 'fragment frag',
  },
];

for (const { what, frame, is } of FRAMES) {
  test(`${what} is ${is.split(' ')[0]}`, () => {
    const result = parseFrame(frame);
    assert.ok(result.ok);
    const { kind, payload } = result.value;
    const tail = String.fromCharCode(...payload).slice(-5);
    assert.equal(`${kind} ${tail}`, `${kind} ${is.slice(is.indexOf(' ') + 1).slice(-5)}`);
    assert.equal(kind, is.split(' ')[0]);
  });
}

test('the first fragment is a fragment, for its TCP header may be anywhere in it', () => {
  const result = parseFrame(tcp({ ...plain, fragment: { offsetBytes: 0, more: true } }));
  assert.equal(result.ok && result.value.kind, 'fragment');
});

test('a capture of 56 bytes of a longer frame says how much is missing', () => {
  const frame = tcp(plain);
  const result = parseFrame(frame.slice(0, 56), frame.length);
  assert.ok(result.ok && result.value.kind === 'tcp');
  assert.equal(result.value.missingBytes, 3);
  assert.equal(String.fromCharCode(...result.value.payload), 'he');
});

test('a whole frame is not taken for a cut one', () => {
  const result = parseFrame(tcp({ ...plain, trailer: fromHex('0000') }));
  assert.ok(result.ok && result.value.kind === 'tcp');
  assert.equal(result.value.missingBytes, 0);
});

test('a cut segment is not called wrong', () => {
  const packet = tcp({ ...plain, badChecksum: 'transport' }).slice(14);
  const result = verifyIpv4Checksums(packet.slice(0, 42), 0, packet.length);
  assert.equal(result.ok && result.value.transport, 'not-checkable');
});

test('a UDP sender may compute no checksum', () => {
  const frame = udp({ from: plain.from, to: plain.to });
  frame.fill(0, 14 + 20 + 6, 14 + 20 + 8);
  const result = verifyChecksums(frame);
  assert.equal(result.ok && result.value.transport, 'not-computed');
});

test('any bytes are answered with a value that can be printed', () => {
  fc.assert(
    fc.property(anyBytes(0, 128), (bytes) => {
      parseFrame(bytes);
      verifyChecksums(bytes);
      printFrame(bytes);
    }),
  );
});

test('so are frames that are nearly right: bytes changed, and cut anywhere', () => {
  const change = record({ at: fc.nat(120), to: fc.nat(255) });
  const base = fc.oneof(
    anyTcpPacketFields().map(tcp),
    anyTcpPacketFields().map((fields) =>
      icmpError({ ...hosts, type: 3, code: 4, about: tcp(fields), quotedBytes: 60 }),
    ),
  );
  fc.assert(
    fc.property(base, fc.array(change, { maxLength: 4 }), fc.nat(200), (frame, changes, length) => {
      for (const { at, to } of changes) if (at < frame.length) frame[at] = to;
      const cut = frame.slice(0, length);
      const before = toHex(cut);
      for (const onWireBytes of [cut.length, frame.length]) {
        const result = parseFrame(cut, onWireBytes);
        if (!result.ok) assert.ok(result.at <= onWireBytes, `at ${result.at} of ${onWireBytes}`);
      }
      verifyChecksums(cut);
      printFrame(cut);
      assert.equal(toHex(cut), before, 'reading changes nothing');
    }),
    { numRuns: 1000 },
  );
});
