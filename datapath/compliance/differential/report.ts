/** A difference between programs and model, as a row and as a pcap file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nanoseconds, printFrame, toHex, writePcap } from '../../../packet/index.ts';
import type { Outcome } from '../../model/index.ts';
import type { Comparison, Happening } from './compare.ts';
import type { Conversation } from './conversation.ts';

/** The checkout: this file is in dist/datapath/compliance/differential. */
const FAILURES = fileURLToPath(new URL('../../../failures/', import.meta.url));

/** What a person needs to see the difference again; writes the pcap file that it names. */
export function reportDifference<Tables>(
  name: string,
  { tables }: Conversation<Tables>,
  { happenings, difference }: Comparison<Tables>,
): string {
  mkdirSync(FAILURES, { recursive: true });
  const pcap = join(FAILURES, `${name}.pcap`);
  writeFileSync(pcap, pcapOf(happenings));
  return [
    `programs and model differ: ${difference ?? 'not when it was run again'}`,
    ...happenings.map(lineOf),
    '',
    'as a row, with what the model does:',
    `  name: '…',`,
    `  given: ${inspectTables(tables)},`,
    '  steps: [',
    ...happenings.map((one) => `    ${stepOf(one)},`),
    '  ],',
    '',
    `frames in and out: ${pcap}`,
  ].join('\n');
}

function lineOf<Tables>(one: Happening<Tables>): string {
  switch (one.kind) {
    case 'frame':
      return [
        `${one.from.padEnd(5)} ${printFrame(one.frame)}`,
        `      programs: ${outcomeLine(one.kernel)}`,
        ...(outcomeLine(one.kernel) === outcomeLine(one.model)
          ? []
          : [`      model:    ${outcomeLine(one.model)}`]),
      ].join('\n');
    case 'elapse':
      return `      ${one.seconds} s go by`;
    case 'sweep':
      return '      what is due has expired';
    case 'reconfigure':
      return `      other tables: ${inspectTables(one.tables)}`;
  }
}

function outcomeLine({ verdict, action, notes, frame }: Outcome): string {
  const left = action === 'drop' ? '' : `: ${printFrame(frame)} ${toHex(frame)}`;
  return `${[verdict, ...notes].join(', ')}${left}`;
}

function stepOf<Tables>(one: Happening<Tables>): string {
  switch (one.kind) {
    case 'frame': {
      const { verdict, action, frame, notes } = one.model;
      const out = action === 'drop' ? '' : `, frame: fromHex('${toHex(frame)}')`;
      const expect = `{ verdict: '${verdict}', action: '${action}', notes: ${JSON.stringify(notes)}${out} }`;
      return `${one.from === 'front' ? 'fromFront' : 'fromBack'}(fromHex('${toHex(one.frame)}'), ${expect})`;
    }
    case 'elapse':
      return `elapse(${one.seconds})`;
    case 'sweep':
      return 'a law: await path.sweep()';
    case 'reconfigure':
      return `reconfigure(${inspectTables(one.tables)})`;
  }
}

function inspectTables(tables: unknown): string {
  return JSON.stringify(tables, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

/** A millisecond from frame to frame. */
function pcapOf<Tables>(happenings: readonly Happening<Tables>[]): Uint8Array {
  const frames = happenings.flatMap((one) => {
    if (one.kind !== 'frame') return [];
    return one.kernel.action === 'drop' ? [one.frame] : [one.frame, one.kernel.frame];
  });
  return writePcap(
    frames.map((bytes, i) => ({
      time: nanoseconds(BigInt(i) * 1_000_000n),
      bytes,
      onWireBytes: bytes.length,
    })),
  );
}
