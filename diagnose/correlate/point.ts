/** Reads one capture point: chunks of a file in, its connections and its condition out. */
import { CaptureReader } from '../../packet/capture-file.ts';
import type { Ipv6Address } from '../../packet/ipv6-address.ts';
import type { CaptureDamage, CaptureInterface } from '../../packet/record.ts';
import { AddressBook, FIRST_IPV6, socketKey, addressOf, portOf } from './address-book.ts';
import type { AddressId, SocketKey } from './address-book.ts';
import { Collector } from './collect.ts';
import type { Connection, Seconds } from './connection.ts';
import { ConnectionTable, type TableParts } from './connection-table.ts';

interface PointFacts {
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
}

export interface Point extends PointFacts {
  readonly connections: readonly Connection[];
}

/** A point as a thread hands it to another: its addresses are numbered by a book of its own. */
export interface PointParts extends PointFacts {
  readonly table: TableParts;
  readonly ipv6: readonly string[];
}

export interface PointSource {
  readonly name: string;
  readonly file: string;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** `number` is the point's place in the path, from 0. */
export async function readPoint(
  { book }: { readonly book: AddressBook },
  source: PointSource,
  number: number,
): Promise<Point> {
  const { facts, table } = await collected({ book }, source);
  return { ...facts, connections: table.connections(number) };
}

/** The same for another thread to receive with `receivePoint`. */
export async function readPointParts(source: PointSource): Promise<PointParts> {
  const book = new AddressBook();
  const { facts, table } = await collected({ book }, source);
  return { ...facts, table: table.parts(), ipv6: book.ipv6Texts };
}

export function receivePoint(
  { book }: { readonly book: AddressBook },
  { table: parts, ipv6, ...facts }: PointParts,
  number: number,
): Point {
  const table = ConnectionTable.from(parts);
  renumber(
    table,
    ipv6.map((text) => book.ipv6Text(text as Ipv6Address)),
  );
  return { ...facts, connections: table.connections(number) };
}

async function collected(
  tools: { readonly book: AddressBook },
  { name, file, chunks }: PointSource,
): Promise<{ facts: PointFacts; table: ConnectionTable }> {
  const reader = new CaptureReader();
  const collector = new Collector(tools);
  let packets = 0;
  const visit: Parameters<CaptureReader['push']>[1] = (record) => {
    packets += 1;
    collector.add(record, reader.linkType(record.interfaceNumber) ?? -1);
  };
  for await (const chunk of chunks) reader.push(chunk, visit);
  reader.end(visit);
  const { segments, duplicates, table } = collector;
  const [first, last] =
    packets === 0 ? [undefined, undefined] : [collector.firstTime, collector.lastTime];
  const { interfaces, damages } = reader;
  return {
    facts: { name, file, packets, segments, duplicates, first, last, interfaces, damages },
    table,
  };
}

/** `ids`: in this thread's book, by number in the book of the thread that read the point. */
function renumber({ columns, length }: ConnectionTable, ids: readonly AddressId[]): void {
  if (ids.every((id, i) => id === FIRST_IPV6 + i)) return;
  const own = (id: number) => (id < FIRST_IPV6 ? id : ids[id - FIRST_IPV6]) as AddressId;
  const ownKey = (key: SocketKey) => socketKey(own(addressOf(key)), portOf(key));
  for (const column of [columns.client, columns.server, columns.toa])
    for (let i = 0; i < length; i += 1) column[i] = ownKey((column[i] ?? NaN) as SocketKey);
  for (let i = 0; i < length; i += 1) columns.icmpFrom[i] = own(columns.icmpFrom[i] ?? 0);
}
