/** What was changed beside the file is there again after a restart, and nothing else is. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stateDirectory, stateRoot } from './directory.ts';
import { RuntimeStore, type BackendName, type Drain } from './runtime.ts';
import { StateError } from './state-file.ts';

const root = mkdtempSync(join(tmpdir(), 'fullnat-state-'));
after(() => rmSync(root, { recursive: true }));

const ONE: BackendName = { pool: 'web', backend: '10.0.98.79:8056' };
const TWO: BackendName = { pool: 'web', backend: '10.0.98.80:8056' };
const DRAIN: Drain = { since: '2026-11-22T10:00:00.000Z', until: null, afterwards: 'keep' };

let number = 0;
const freshDirectory = () => join(root, String(number++));
const open = (directory: string) => new RuntimeStore({ directory, nowMs: () => 0 });

test('a weight and a drain are kept, each taken back by itself', () => {
  const directory = freshDirectory();
  open(directory).set([ONE], { weight: 0 }, 'root');
  open(directory).set([ONE], { drain: DRAIN }, 'root');
  const both = open(directory);
  const at = new Date(0).toISOString();
  assert.deepEqual(both.of(ONE.pool, ONE.backend), {
    ...ONE,
    weight: 0,
    drain: DRAIN,
    by: 'root',
    at,
  });
  assert.equal(both.of(TWO.pool, TWO.backend), undefined);
  both.set([ONE], { weight: null }, 'root');
  assert.equal(open(directory).of(ONE.pool, ONE.backend)?.weight, undefined);
  both.set([ONE], { drain: null }, 'root');
  assert.deepEqual(open(directory).all(), []);
});

test('the whole balancer drains, over a restart too', () => {
  const directory = freshDirectory();
  open(directory).setDrainAll(DRAIN);
  assert.deepEqual(open(directory).drainAll, DRAIN);
  open(directory).setDrainAll(undefined);
  assert.equal(open(directory).drainAll, undefined);
});

test('who listens is told once it is on disk', () => {
  const directory = freshDirectory();
  const store = open(directory);
  const told: unknown[] = [];
  store.onChange((names) => told.push([names, open(directory).of(ONE.pool, ONE.backend)?.weight]));
  store.set([ONE, TWO], { weight: 7 }, 'root');
  store.setDrainAll(DRAIN);
  assert.deepEqual(told, [
    [[ONE, TWO], 7],
    [[], 7],
  ]);
});

test('what the configuration no longer has is forgotten', () => {
  const directory = freshDirectory();
  const store = open(directory);
  store.set([ONE, TWO], { weight: 7 }, 'root');
  const gone = store.forgetOthers((_, backend) => backend === ONE.backend);
  assert.deepEqual(
    gone.map(({ backend }) => backend),
    [TWO.backend],
  );
  assert.deepEqual(
    open(directory)
      .all()
      .map(({ backend }) => backend),
    [ONE.backend],
  );
});

test('what cannot be kept is not done', () => {
  const directory = join(freshDirectory(), 'file');
  writeFileSync(join(root, String(number - 1)), '');
  const store = open(freshDirectory());
  const broken = new RuntimeStore({ nowMs: () => 0 });
  broken.set([ONE], { weight: 1 }, 'root'); // without a directory nothing needs to be kept
  assert.equal(broken.of(ONE.pool, ONE.backend)?.weight, 1);
  assert.deepEqual(store.all(), []);
  assert.throws(() => open(directory), StateError);
});

test('a disk that takes nothing leaves the store as it was', () => {
  const directory = freshDirectory();
  const store = open(directory);
  store.set([ONE], { weight: 1 }, 'root');
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'in the way');
  assert.throws(() => store.set([ONE, TWO], { weight: 2 }, 'root'), /cannot be written/);
  assert.deepEqual(
    store.all().map(({ weight }) => weight),
    [1],
  );
});

test('a file that somebody else wrote is named, with what to do', () => {
  const directory = freshDirectory();
  mkdirSync(directory);
  writeFileSync(join(directory, 'runtime.json'), '{"version": 9}');
  assert.throws(() => open(directory), /put it aside: mv .*runtime\.json/);
});

test('where it is kept', () => {
  assert.equal(stateRoot({}, 0), '/var/lib/fullnat');
  assert.equal(
    stateRoot({ STATE_DIRECTORY: '/var/lib/private/fullnat:/x' }, 0),
    '/var/lib/private/fullnat',
  );
  assert.equal(stateRoot({ HOME: '/home/anna' }, 1_000), '/home/anna/.local/state/fullnat');
  assert.equal(stateDirectory('/var/lib/fullnat', 'lab', 'agent'), '/var/lib/fullnat/lab/agent');
});
