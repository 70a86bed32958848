/** A trace of capture files in memory, for tests. */
import { AddressBook } from './address-book.ts';
import { readPoint } from './point.ts';
import { SessionIndex, type SessionRow } from './sessions.ts';
import { trace, type Trace } from './trace.ts';

export async function traceOf(
  files: Readonly<Record<string, Uint8Array>>,
  rows: readonly SessionRow[] = [],
): Promise<Trace> {
  const book = new AddressBook();
  const points = await Promise.all(
    Object.entries(files).map(([name, bytes], i) =>
      readPoint({ book }, { name, file: `${name}.pcap`, chunks: [bytes] }, i),
    ),
  );
  return trace({ book, sessions: new SessionIndex({ book }, rows) }, points);
}
