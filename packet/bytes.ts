/** The few operations on bytes that every protocol file needs. */

/** A view for reading and writing numbers; big-endian is DataView's default and the wire's. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, hexByte).join('');
}

/** Whitespace between the digits is allowed: `fromHex('4500 0034')`. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits))
    throw new RangeError(`not an even number of hexadecimal digits: '${text}'`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Text of characters 0..255, one byte each: what HTTP/1.1 headers and test payloads need. */
export function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (character.length > 1 || code > 255)
      throw new RangeError(`payload text must be Latin-1, got '${character}'; give bytes instead`);
    return code;
  });
}

/** Text as UTF-8; half a surrogate pair becomes U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  const whole = text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    '\ufffd',
  );
  return Uint8Array.from(encodeURIComponent(whole).match(/%[0-9A-F]{2}|[^%]/g) ?? [], (unit) =>
    unit.length === 3 ? Number.parseInt(unit.slice(1), 16) : unit.charCodeAt(0),
  );
}

/** Bytes that are no UTF-8 are read as Latin-1: of a damaged file, something is better than nothing. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return decodeURIComponent(Array.from(bytes, (byte) => `%${hexByte(byte)}`).join(''));
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  }
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
