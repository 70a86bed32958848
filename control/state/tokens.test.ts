/** Who bears a token, until it expires or is revoked; and that what is on disk lets nobody in. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TokenStore } from './tokens.ts';

const root = mkdtempSync(join(tmpdir(), 'fullnat-tokens-'));
after(() => rmSync(root, { recursive: true }));
const ANNA = { name: 'anna', role: 'operate', by: 'root', lifeMs: null } as const;

test('made, found again after a restart, revoked', () => {
  const directory = join(root, 'one');
  const store = new TokenStore(directory, () => 0);
  const token = store.create(ANNA);
  assert.match(token, /^fnt_[A-Za-z0-9_-]{43}$/);
  assert.equal(new TokenStore(directory, () => 0).find(token)?.role, 'operate');
  assert.throws(() => store.create(ANNA), /already; revoke it first/);
  assert.deepEqual(
    [store.find(`${token}x`), store.find(''), store.find('anna')],
    [undefined, undefined, undefined],
  );
  store.revoke('anna');
  assert.equal(store.find(token), undefined);
  assert.throws(() => store.revoke('anna'), /no token 'anna'/);
});

test('neither the file nor the list has what lets somebody in', () => {
  const directory = join(root, 'two');
  const store = new TokenStore(directory, () => 0);
  const token = store.create(ANNA);
  const path = join(directory, 'tokens.json');
  assert.ok(!readFileSync(path, 'utf8').includes(token.slice(4)));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(Object.keys(store.all()[0] ?? {}).toSorted(), [
    'at',
    'by',
    'expires',
    'name',
    'role',
  ]);
});

test('it expires', () => {
  let nowMs = 0;
  const store = new TokenStore(join(root, 'three'), () => nowMs);
  const token = store.create({ ...ANNA, lifeMs: 1_000 });
  nowMs = 999;
  assert.ok(store.find(token));
  nowMs = 1_000;
  assert.equal(store.find(token), undefined);
});

test('a token that another process made, or revoked, is known at once', () => {
  const directory = join(root, 'four');
  const [daemon, command] = [
    new TokenStore(directory, () => 0),
    new TokenStore(directory, () => 0),
  ];
  const token = command.create(ANNA);
  assert.equal(daemon.find(token)?.name, 'anna');
  command.revoke('anna');
  assert.equal(daemon.find(token), undefined);
});
