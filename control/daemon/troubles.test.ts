import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from './log.ts';
import { QUIET_MS, Troubles } from './troubles.ts';

function setUp() {
  const said: string[] = [];
  const line =
    (level: string) =>
    (data: object, message: string): void =>
      void said.push(`${level} ${message} ${JSON.stringify(data)}`);
  const log: Log = {
    ...{ debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
  };
  const clock = { ms: 5 };
  return { said, clock, troubles: new Troubles({ log, nowMs: () => clock.ms }) };
}

test('what goes on for a minute is two lines', () => {
  const { said, clock, troubles } = setUp();
  for (let second = 0; second < 60; second++) {
    troubles.tell('no-backend web', { listener: 'web' }, 'no-backend');
    troubles.follow();
    clock.ms += 1_000;
  }
  assert.deepEqual(said, ['warn no-backend {"listener":"web"}']);
  clock.ms += QUIET_MS;
  troubles.follow();
  troubles.follow();
  assert.deepEqual(said.slice(1), ['info over: no-backend {"times":60,"seconds":59}']);
});

test('what comes again after it was over is told again', () => {
  const { said, clock, troubles } = setUp();
  troubles.tell('table-full', {}, 'table-full');
  clock.ms += QUIET_MS;
  troubles.follow();
  troubles.tell('table-full', {}, 'table-full');
  assert.deepEqual(said, ['warn table-full {}', 'warn table-full {}']);
});

test('one listener’s trouble does not hide another’s', () => {
  const { said, troubles } = setUp();
  troubles.tell('listener-rate web', {}, 'web');
  troubles.tell('listener-rate dns', {}, 'dns');
  assert.deepEqual(said, ['warn web {}', 'warn dns {}']);
});
