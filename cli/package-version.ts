/** The version in package.json. */
import { readFileSync } from 'node:fs';

// From dist/cli/ to the package.
const PACKAGE = new URL('../../package.json', import.meta.url);

export function packageVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version;
}
