/**
 * The little of Node that tests here use, declared instead of installed: with `"types": ["node"]`
 * the compiler would let Node into the code under test, which must also run in a browser.
 */
declare module 'node:test' {
  export function test(name: string, body: () => void): void;
}

declare module 'node:assert/strict' {
  export function equal<T>(actual: T, expected: T, message?: string): void;
  export function deepEqual<T>(actual: T, expected: T, message?: string): void;
  export function throws(body: () => unknown, expected: RegExp | { name: string }): void;
  export function ok(value: unknown, message?: string): asserts value;
}
