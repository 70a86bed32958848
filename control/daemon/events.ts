/** Reads the kernel's events ten times a second, also those sent while no daemon ran. */
import { event, type Event, type Flow4 } from '../../datapath/binding/contract.ts';
import type { MapRef } from '../../datapath/binding/kernel-object.ts';
import { RingBuffer } from '../../datapath/binding/ring-buffer.ts';
import { destinationOf, sourceOf } from './sessions.ts';

const READ_INTERVAL_MS = 100;

export function readEvents(
  ring: MapRef,
  onEvent: (event: Event) => void,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): void {
  const buffer = new RingBuffer(ring, (record) => onEvent(event.decode(record)));
  const read = () => {
    try {
      buffer.consume();
    } catch (error) {
      onError(error);
    }
  };
  read();
  const timer = setInterval(read, READ_INTERVAL_MS);
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      buffer.close();
    },
    { once: true },
  );
}

/** The kernel tells time since boot; people want the wall's. */
export function timestampOf(
  { timeNs }: Pick<Event, 'timeNs'>,
  nowMs: number = Date.now(),
  nowMonotonicNs: bigint = process.hrtime.bigint(),
): string {
  return new Date(nowMs - Number(nowMonotonicNs - timeNs) / 1e6).toISOString();
}

/** @example '10.0.88.100:46690 -> 10.0.98.79:8056' */
export function formatFlow(flow: Flow4): string {
  return `${sourceOf(flow)} -> ${destinationOf(flow)}`;
}
