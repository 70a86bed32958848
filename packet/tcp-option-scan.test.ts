/** The scan agrees with the parser about every option it keeps, whatever the bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyTcpOptions } from './arbitraries.ts';
import { fromHex } from './bytes.ts';
import { encodeTcpOptions, parseTcpOptions, type TcpOption } from './tcp-options.ts';
import { emptyOptionScan, scanTcpOptions } from './tcp-option-scan.ts';

const SYN = '020405b4 0402 080a000000010000 0000 01 030307';

const ROWS = [
  { name: 'no options', a: '', b: '01 01', same: true },
  { name: 'timestamps and NOP taken out', a: SYN, b: '020405b4 0402 030307', same: true },
  { name: 'TOA put in front', a: SYN, b: `fe08 5411 0a005864 ${SYN}`, same: true },
  { name: 'another MSS', a: SYN, b: SYN.replace('05b4', '05ac'), same: true },
  { name: 'another window scale', a: SYN, b: SYN.replace('030307', '030308'), same: false },
  { name: 'another order', a: '020405b4 0402', b: '0402 020405b4', same: false },
  { name: 'an option more', a: SYN, b: `${SYN} 1304abcd`, same: false },
];

for (const { name, a, b, same } of ROWS) {
  test(`signature, ${name}: ${same ? 'the same' : 'another'}`, () => {
    assert.equal(scanned(fromHex(a)).signature === scanned(fromHex(b)).signature, same);
  });
}

test('MSS, timestamp and TOA are those of the parser', () => {
  const anything = fc.oneof(anyTcpOptions().map(encodeTcpOptions), anyBytes(0, 40));
  fc.assert(
    fc.property(anything, fc.nat(3), (bytes, before) => {
      const shifted = new Uint8Array(before + bytes.length);
      shifted.set(bytes, before);
      const found = emptyOptionScan();
      scanTcpOptions(shifted, before, shifted.length, found);
      const options = parseTcpOptions(bytes);
      const last = <K extends TcpOption['kind']>(kind: K) =>
        options.findLast((one): one is TcpOption & { kind: K } => one.kind === kind);
      assert.equal(found.mss, last('mss')?.bytes ?? NaN);
      assert.equal(found.timestamp, last('timestamps')?.value ?? NaN);
      assert.equal(found.toaAt >= before, last('toa') !== undefined);
    }),
  );
});

function scanned(bytes: Uint8Array) {
  const found = emptyOptionScan();
  scanTcpOptions(bytes, 0, bytes.length, found);
  return found;
}
