/** Narrow captures at every place at once, while a few connections are tried. */
import { concat } from '../../packet/bytes.ts';
import type { Place } from '../collect/snapshot.ts';

/** What one place saw, as a capture file of all its interfaces. */
export interface Watched {
  readonly place: string;
  readonly pcap: Uint8Array;
}

export interface Watching {
  readonly watched: readonly Watched[];
  /** Places that could not capture, and why. */
  readonly failures: readonly { readonly place: string; readonly why: string }[];
}

/** Bounds what is left behind if this process is killed: nothing runs longer, nothing grows larger. */
const MOST_SECONDS = 60;
const MOST_PACKETS = 20_000;
/** All headers, and the largest option space. */
const SNAP_BYTES = 144;
/** Packets on their way to the file when the last connection has ended. */
const SETTLE_MS = 300;

/** Runs `action` under captures; a place that cannot capture does not stop the others. */
export async function watch<T>(
  places: readonly Place[],
  filter: string,
  action: () => Promise<T>,
): Promise<{ result: T; watching: Watching }> {
  const started = await Promise.all(places.map((place) => startAt(place, filter)));
  const result = await action();
  await new Promise((done) => setTimeout(done, SETTLE_MS));
  const watched: Watched[] = [];
  const failures: { place: string; why: string }[] = [];
  for (const one of started) {
    if ('why' in one) failures.push(one);
    else watched.push({ place: one.place, pcap: await one.stop() });
  }
  return { result, watching: { watched, failures } };
}

async function startAt(
  { name, runner }: Place,
  filter: string,
): Promise<{ place: string; stop: () => Promise<Uint8Array> } | { place: string; why: string }> {
  const { stdout, said, stop } = runner.start([
    ...['timeout', '-s', 'INT', String(MOST_SECONDS), 'tcpdump', '-i', 'any', '-n', '-U'],
    ...[
      '--immediate-mode',
      '-s',
      String(SNAP_BYTES),
      '-c',
      String(MOST_PACKETS),
      '-w',
      '-',
      filter,
    ],
  ]);
  const chunks: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of stdout) chunks.push(chunk);
  })();
  try {
    await said('listening on');
  } catch (error) {
    return { place: name, why: (error as Error).message };
  }
  return {
    place: name,
    stop: async () => {
      await stop();
      await reading.catch(() => {});
      return concat(...chunks);
    },
  };
}
