import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTENDERS } from './contenders.ts';
import { PARTS, benchOptions } from './options.ts';

test('everything is measured unless something is asked for', () => {
  assert.deepEqual(benchOptions([]), {
    ...{ rounds: 3, seconds: 3, only: [...PARTS], ways: [...CONTENDERS] },
    ...{ output: 'table', save: false },
  });
  assert.deepEqual(
    benchOptions(
      '--rounds 5 --seconds 10 --only bulk --only expiry,memory --ways haproxy,nginx -o json --save'.split(
        ' ',
      ),
    ),
    {
      ...{ rounds: 5, seconds: 10, only: ['bulk', 'expiry', 'memory'] },
      ...{ ways: ['haproxy', 'nginx'], output: 'json', save: true },
    },
  );
  assert.equal(benchOptions(['-h']), 'help');
});

const wrong: { line: string; says: RegExp }[] = [
  { line: '--rounds 0', says: /--rounds must be an integer in 1\.\.100, got 0/ },
  { line: '--seconds 1.5', says: /--seconds must be an integer in 1\.\.60, got 1.5/ },
  { line: '--only speed', says: /--only must be one of connections, .*; got speed/ },
  { line: '--ways ipvs', says: /--ways must be one of direct, .*; got ipvs/ },
  { line: '-o yaml', says: /--output must be one of table, json; got yaml/ },
  { line: '--round 3', says: /Unknown option '--round'/ },
];

for (const { line, says } of wrong) {
  test(`${line} is refused`, () => assert.throws(() => benchOptions(line.split(' ')), says));
}
