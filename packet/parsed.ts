/** What reading bytes or text gives: a meaning, or the reason why there is none. */

export type Malformation = 'truncated' | 'bad-length' | 'bad-version' | 'bad-magic' | 'bad-type';

/** Malformed traffic is an everyday value. `at` is the offset of the offending field in the bytes given. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; reason: Malformation; at: number };

/** `ipv6` means: well-formed, but of a family that is not supported yet. */
export type TextFault = 'malformed' | 'ipv6' | 'out-of-range' | 'host-bits';

/** `message` is a sentence for the person who wrote the text. */
export type ParsedText<T> =
  { ok: true; value: T } | { ok: false; reason: TextFault; message: string };

export function parsed<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function unparsed(reason: Malformation, at: number): Parsed<never> {
  return { ok: false, reason, at };
}

export function misread(reason: TextFault, message: string): ParsedText<never> {
  return { ok: false, reason, message };
}

/** For text the program itself wrote: the value, or a RangeError with the message. */
export function certain<T>(result: ParsedText<T>): T {
  if (!result.ok) throw new RangeError(result.message);
  return result.value;
}
