/** What a daemon's log lines look like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, readable } from './log.ts';

const line = (level: number, data: object) =>
  `${JSON.stringify({ level, time: '2026-11-22T10:00:01.250Z', ...data, msg: 'backend is down' })}\n`;

const rows = [
  {
    name: 'an event with data',
    line: line(30, { pool: 'web', up: 2 }),
    expect: '10:00:01.250  backend is down  pool=web  up=2\n',
  },
  {
    name: 'what a person should look at says so',
    line: line(40, {}),
    expect: '10:00:01.250  WARN  backend is down\n',
  },
  {
    name: 'text with blanks is quoted',
    line: line(50, { reason: 'no route' }),
    expect: '10:00:01.250  ERROR  backend is down  reason="no route"\n',
  },
  {
    name: 'lists and nothing',
    line: line(30, { places: ['a', 'b'], reason: null }),
    expect: '10:00:01.250  backend is down  places=["a","b"]  reason=null\n',
  },
];

for (const { name, line, expect } of rows) test(name, () => assert.equal(readable(line), expect));

test('on a terminal: readable, and only what the level asks for', () => {
  const written: string[] = [];
  const log = createLog('warn', true, (text) => void written.push(text));
  log.info({ pool: 'web' }, 'not shown');
  log.error({ pool: 'web' }, 'shown');
  assert.equal(written.length, 1);
  assert.match(written[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} {2}ERROR {2}shown {2}pool=web\n$/);
});
