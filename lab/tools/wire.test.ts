import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine, parseCommand } from './wire.ts';

const commandRows = [
  { line: 'echo', expect: { kind: 'echo' } },
  { line: 'exchange 5 0', expect: { kind: 'exchange', upBytes: 5, downBytes: 0 } },
  { line: 'exchange 5', expect: undefined },
  { line: 'exchange -1 0', expect: undefined },
  { line: 'GET / HTTP/1.1', expect: undefined },
] as const;
for (const { line, expect } of commandRows) {
  test(`the exchange server reads '${line}' as ${JSON.stringify(expect)}`, () => {
    assert.deepEqual(parseCommand(line), expect);
    if (expect !== undefined) assert.equal(commandLine(expect), `${line}\n`);
  });
}
