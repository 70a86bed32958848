/** Time in pcapng: a 64-bit count of units that each interface chooses. */
import type { RecordView } from './record.ts';

/** `code` is if_tsresol: 10^-n seconds, or 2^-n with the highest bit set. */
export interface Resolution {
  readonly code: number;
  readonly offsetSeconds: number;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000;
const IN_NANOSECONDS = 9;
const IN_MICROSECONDS = 6;
const POWER_OF_TWO = 0x80;

export function setRecordTime(
  record: RecordView,
  { code, offsetSeconds }: Resolution,
  high: number,
  low: number,
): void {
  if (code === IN_NANOSECONDS) setFromTicks(record, high, low, NANOSECONDS_PER_SECOND, 1);
  else if (code === IN_MICROSECONDS) setFromTicks(record, high, low, 1_000_000, 1000);
  else setFromAny(record, code, high, low);
  record.seconds += offsetSeconds;
}

export function unitsPerSecond(code: number): bigint {
  return code & POWER_OF_TWO ? 1n << BigInt(code & 0x7f) : 10n ** BigInt(code);
}

/**
 * 64 bits divided without a bigint: the quotient in floating point may be off by one near a whole
 * second, the remainder modulo 2^32 is exact and tells.
 */
function setFromTicks(
  record: RecordView,
  high: number,
  low: number,
  perSecond: number,
  nanosecondsPerTick: number,
): void {
  let seconds = Math.floor((high * 2 ** 32 + low) / perSecond);
  let rest = (low - Math.imul(seconds, perSecond)) | 0;
  while (rest < 0) {
    seconds -= 1;
    rest += perSecond;
  }
  while (rest >= perSecond) {
    seconds += 1;
    rest -= perSecond;
  }
  record.seconds = seconds;
  record.nanosecond = rest * nanosecondsPerTick;
}

function setFromAny(record: RecordView, code: number, high: number, low: number): void {
  const ticks = (BigInt(high) << 32n) | BigInt(low);
  const perSecond = unitsPerSecond(code);
  record.seconds = Number(ticks / perSecond);
  record.nanosecond = Number(((ticks % perSecond) * BigInt(NANOSECONDS_PER_SECOND)) / perSecond);
}
