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
  tools: { readonly book: AddressBook },
  source: PointSource,
  number: number,
): Promise<Point> {
  const reader = new PointReader(tools, source);
  await reader.readAll(source.chunks);
  return reader.point(number);
}

/** The same for another thread to receive with `receivePoint`. */
export async function readPointParts(source: PointSource): Promise<PointParts> {
  const book = new AddressBook();
  const reader = new PointReader({ book }, source);
  await reader.readAll(source.chunks);
  return { ...reader.facts(), table: reader.table.parts(), ipv6: book.ipv6Texts };
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

/** A point as its capture file arrives; what has been read can be looked at before the end. */
export class PointReader {
  readonly #name: string;
  readonly #file: string;
  readonly #reader = new CaptureReader();
  readonly #collector: Collector;
  #packets = 0;

  constructor(
    tools: { readonly book: AddressBook },
    { name, file }: Pick<PointSource, 'name' | 'file'>,
  ) {
    this.#name = name;
    this.#file = file;
    this.#collector = new Collector(tools);
  }

  async readAll(chunks: PointSource['chunks']): Promise<void> {
    for await (const chunk of chunks) this.push(chunk);
    this.end();
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk, this.#visit);
  }

  end(): void {
    this.#reader.end(this.#visit);
  }

  get table(): ConnectionTable {
    return this.#collector.table;
  }

  facts(): PointFacts {
    const { segments, duplicates, firstTime, lastTime } = this.#collector;
    const { interfaces, damages } = this.#reader;
    const packets = this.#packets;
    const [first, last] = packets === 0 ? [undefined, undefined] : [firstTime, lastTime];
    const [name, file] = [this.#name, this.#file];
    return { name, file, packets, segments, duplicates, first, last, interfaces, damages };
  }

  point(number: number): Point {
    return { ...this.facts(), connections: this.table.connections(number) };
  }

  readonly #visit: Parameters<CaptureReader['push']>[1] = (record) => {
    this.#packets += 1;
    this.#collector.add(record, this.#reader.linkType(record.interfaceNumber) ?? -1);
  };
}

/** `ids`: in this thread's book, by number in the book of the thread that read the point. */
function renumber(table: ConnectionTable, ids: readonly AddressId[]): void {
  if (ids.every((id, i) => id === FIRST_IPV6 + i)) return;
  const own = (id: number) => (id < FIRST_IPV6 ? id : ids[id - FIRST_IPV6]) as AddressId;
  const ownKey = (key: SocketKey) => socketKey(own(addressOf(key)), portOf(key));
  table.forEachRow(({ client, server, toa, icmpFrom }, row) => {
    for (const column of [client, server, toa])
      column[row] = ownKey((column[row] ?? NaN) as SocketKey);
    icmpFrom[row] = own(icmpFrom[row] ?? 0);
  });
}
