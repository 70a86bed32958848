/** Captures that other programs wrote, read as tshark reads them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { viewOf } from '../../packet/bytes.ts';
import { CaptureReader } from '../../packet/capture-file.ts';
import { recordTime } from '../../packet/record.ts';
import { emptyPlace, locateSegment, segmentFlags } from '../../packet/segment.ts';
import { AddressBook } from './address-book.ts';
import { traceOf } from './testing.ts';

// From dist/diagnose/correlate/ to the checkout.
const FOLDER = new URL('../../../diagnose/testdata/captures/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => /\.pcap(?:ng)?$/.test(name));

for (const name of FILES) {
  test(`${name}: every packet as tshark reads it`, () => {
    const expected = readFileSync(new URL(`${name}.txt`, FOLDER), 'utf8')
      .trimEnd()
      .split('\n');
    assert.deepEqual(linesOf(readFileSync(new URL(name, FOLDER))), expected);
  });

  test(`${name}: one connection closed, one refused, for each capture in it`, async () => {
    const { conversations } = await traceOf({ here: readFileSync(new URL(name, FOLDER)) });
    const one = ['closed', 'refused'];
    assert.deepEqual(
      conversations.map(({ verdict }) => verdict.outcome),
      name === 'merged.pcapng' ? [...one, ...one] : one,
    );
  });
}

function linesOf(bytes: Uint8Array): string[] {
  const reader = new CaptureReader();
  const book = new AddressBook();
  const place = emptyPlace();
  const lines: string[] = [];
  const visit: Parameters<CaptureReader['push']>[1] = (record) => {
    const view = viewOf(record.bytes);
    const linkType = reader.linkType(record.interfaceNumber) ?? -1;
    assert.ok(locateSegment(view, record.bytes, record, linkType, place));
    const { ipAt, tcpAt, payloadBytes } = place;
    const time = recordTime(record);
    const address = (at: number) => book.text(book.ipv4(view.getUint32(at)));
    const fields = [
      `${time / 1_000_000_000n}.${`${time % 1_000_000_000n}`.padStart(9, '0')}`,
      ...[address(ipAt + 12), view.getUint16(tcpAt), address(ipAt + 16), view.getUint16(tcpAt + 2)],
      `0x${segmentFlags(view, place).toString(16).padStart(4, '0')}`,
      ...[view.getUint32(tcpAt + 4), payloadBytes],
    ];
    lines.push(fields.join(' '));
  };
  // In pieces that fit no record.
  for (let at = 0; at < bytes.length; at += 77) reader.push(bytes.subarray(at, at + 77), visit);
  reader.end(visit);
  assert.deepEqual(reader.damages, []);
  return lines;
}
