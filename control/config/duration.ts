/** Durations as people write them: 250ms, 900s, 1.5s, 5m, 2h. */
import { misread, parsed, type ParsedText } from '../../packet/parsed.ts';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** In milliseconds. A bare number is refused: seconds and milliseconds are too easily confused. */
export function parseDurationMs(text: string): ParsedText<number> {
  const [, number, unit] = /^(\d{1,12}(?:\.\d{1,6})?) ?([a-zA-Z]*)$/.exec(text.trim()) ?? [];
  if (number === undefined || unit === undefined)
    return misread('malformed', `'${text}' is not a duration like 250ms, 900s, 5m or 2h`);
  if (unit === '')
    return misread('malformed', `'${text}' has no unit; write ${text.trim()}s or ${text.trim()}ms`);
  if (!isUnit(unit))
    return misread(
      'malformed',
      `'${text}' has the unknown unit '${unit}'; allowed are ms, s, m, h`,
    );
  const durationMs = Number(number) * UNIT_MS[unit];
  // 0.1 × 3 600 000 is not exact in binary; a millisecond is the finest anyway.
  const roundedMs = Math.round(durationMs);
  if (Math.abs(durationMs - roundedMs) > 1e-6)
    return misread('out-of-range', `'${text}' is finer than a millisecond`);
  return parsed(roundedMs);
}

/** @example formatDurationMs(90_000) // '90s' */
export function formatDurationMs(durationMs: number): string {
  if (durationMs % 3_600_000 === 0 && durationMs > 0) return `${durationMs / 3_600_000}h`;
  return durationMs % 1_000 === 0 ? `${durationMs / 1_000}s` : `${durationMs}ms`;
}

function isUnit(unit: string): unit is keyof typeof UNIT_MS {
  return Object.hasOwn(UNIT_MS, unit);
}
