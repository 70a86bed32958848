/** Turns a text that could not be read into a usage error that names the option. */
import type { ParsedText } from '../packet/parsed.ts';
import { UsageError } from './command.ts';

export function wellRead<T>(what: string, result: ParsedText<T>): T {
  if (!result.ok) throw new UsageError(`bad ${what}: ${result.message}`);
  return result.value;
}
