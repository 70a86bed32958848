/** Who finds whose sockets, and who is refused. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRunRoot, runRoot, runRoots } from './run-root.ts';

const rows: [name: string, uid: number, environment: Record<string, string>, root: string][] = [
  ['root', 0, { XDG_RUNTIME_DIR: '/run/user/0' }, '/run/fullnat'],
  ['a service', 998, { RUNTIME_DIRECTORY: '/run/fullnat' }, '/run/fullnat'],
  ['a user with a session', 1_000, { XDG_RUNTIME_DIR: '/run/user/1000' }, '/run/user/1000/fullnat'],
  ['a user without', 65_534, { XDG_RUNTIME_DIR: '' }, '/tmp/fullnat-65534'],
  ['a user with a place for files', 1_000, { TMPDIR: '/var/tmp' }, '/var/tmp/fullnat-1000'],
];

for (const [name, uid, environment, root] of rows)
  test(name, () => {
    assert.equal(runRoot({ uid, environment }), root);
    assert.equal(runRoots({ uid, environment }).at(-1), '/run/fullnat');
  });

test('a directory that others could have made or can write to is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-'));
  const uid = process.getuid?.() || 1_000;
  const who = { uid, environment: { TMPDIR: folder } };
  const root = join(folder, `fullnat-${uid}`);
  try {
    if (process.getuid?.() !== 0) {
      assert.equal(makeRunRoot(who), root);
      chmodSync(root, 0o777);
    } else mkdirSync(root); /* root's, and asked for as somebody else */
    assert.throws(() => makeRunRoot(who), /somebody else could answer/);
    rmSync(root, { recursive: true });
    symlinkSync('/tmp', root);
    assert.throws(() => makeRunRoot(who), /somebody else could answer/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
