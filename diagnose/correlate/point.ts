/** Reads one capture point: chunks of a file in, its connections and its condition out. */
import { CaptureReader } from '../../packet/capture-file.ts';
import type { CaptureDamage, CaptureInterface } from '../../packet/record.ts';
import type { AddressBook } from './address-book.ts';
import { Collector } from './collect.ts';
import type { Connection, Seconds } from './connection.ts';

export interface Point {
  readonly name: string;
  readonly file: string;
  readonly packets: number;
  /** TCP segments among them. */
  readonly segments: number;
  /** Captured twice, and counted once. */
  readonly duplicates: number;
  readonly first: Seconds | undefined;
  readonly last: Seconds | undefined;
  readonly interfaces: readonly CaptureInterface[];
  readonly damages: readonly CaptureDamage[];
  readonly connections: readonly Connection[];
}

export interface PointSource {
  readonly name: string;
  readonly file: string;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** `number` is the point's place in the path, from 0. */
export async function readPoint(
  { book }: { readonly book: AddressBook },
  { name, file, chunks }: PointSource,
  number: number,
): Promise<Point> {
  const reader = new CaptureReader();
  const collector = new Collector({ book }, number);
  let packets = 0;
  const visit: Parameters<CaptureReader['push']>[1] = (record) => {
    packets += 1;
    collector.add(record, reader.linkType(record.interfaceNumber) ?? -1);
  };
  for await (const chunk of chunks) reader.push(chunk, visit);
  reader.end(visit);
  return {
    name,
    file,
    packets,
    segments: collector.segments,
    duplicates: collector.duplicates,
    first: collector.firstTime,
    last: collector.lastTime,
    interfaces: reader.interfaces,
    damages: reader.damages,
    connections: collector.connections,
  };
}
