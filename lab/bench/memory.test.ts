import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMemlock } from './memory.ts';

test('the bytes of a map are read from what the kernel says of its descriptor', () => {
  const fdinfo = 'pos:\t0\nflags:\t02000002\nmap_type:\t2\nmax_entries:\t8\nmemlock:\t4160\n';
  assert.equal(parseMemlock(fdinfo), 4160);
  assert.throws(() => parseMemlock('pos:\t0\n'), /no memlock/);
});
