/** All that a diagnosis rests on, in one archive: report, evidence of every place, captures. */
import { gzipSync } from 'node:zlib';

import type { Diagnosis } from '../diagnosis.ts';
import { diagnosisHtml } from './diagnosis-html.ts';
import { diagnosisJson } from './diagnosis-json.ts';
import { diagnosisText } from './diagnosis-text.ts';
import { AddressMask } from './mask.ts';
import { tar, type ArchivedFile } from './tar.ts';
import type { Paint } from './trace-text.ts';

const COLUMNS = 100;
const same = (text: string) => text;
const PLAIN: Paint = { good: same, bad: same, warning: same, quiet: same, strong: same };

/** A gzipped tar; with `mask` no address of a machine is in it. */
export function bundle(
  diagnosis: Diagnosis,
  { mask, timeSeconds }: { readonly mask: boolean; readonly timeSeconds: number },
): Uint8Array {
  const addresses = mask ? new AddressMask() : undefined;
  const text = (name: string, content: string): ArchivedFile => ({
    name: `diagnosis/${name}`,
    bytes: new TextEncoder().encode(addresses?.text(content) ?? content),
  });
  const { places, capture, attempts } = diagnosis.evidence;
  return gzipSync(
    tar(
      [
        text('report.txt', diagnosisText(diagnosis, PLAIN, COLUMNS)),
        text('report.json', asJson(diagnosisJson(diagnosis))),
        text('report.html', diagnosisHtml(diagnosis)),
        text('attempts.json', asJson(attempts)),
        ...places.flatMap(({ name, before, after }) => [
          text(`evidence/${name}-before.json`, asJson(before)),
          text(`evidence/${name}-after.json`, asJson(after)),
        ]),
        ...(capture?.files ?? []).map(({ place, pcap }) => ({
          name: `diagnosis/captures/${place}.pcap`,
          bytes: addresses?.capture(pcap) ?? pcap,
        })),
      ],
      timeSeconds,
    ),
  );
}

/** Maps as objects, big integers as numbers: counters do not reach 2^53 in our time. */
function asJson(value: unknown): string {
  const plain = (_: string, one: unknown) => {
    if (one instanceof Map) return Object.fromEntries(one as Map<string, unknown>);
    return typeof one === 'bigint' ? Number(one) : one;
  };
  return `${JSON.stringify(value, plain, 2)}\n`;
}
