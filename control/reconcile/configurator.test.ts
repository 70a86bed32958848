/** What is brought in force, what leaves all as it was, and what is written down of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as settle } from 'node:timers/promises';
import { Revisions } from '../state/revisions.ts';
import { Configurator, type Origin } from './configurator.ts';
import { whatIsInForce } from './first.ts';

type Config = { instance: string; size: number };

const root = mkdtempSync(join(tmpdir(), 'fullnat-revisions-'));
after(() => rmSync(root, { recursive: true }));
let number = 0;

const BY_ANNA: Origin = { who: 'anna', how: 'apply', file: 'lb.yaml' };
const textOf = (size: number, instance = 'one') => JSON.stringify({ instance, size });

/** A daemon whose file says `size: 1`, with everything that it did. */
function daemon(its: { fails?: (config: Config) => boolean; directory?: string } = {}) {
  const done: string[] = [];
  const log = (level: string) => (_: object, message: string) =>
    void done.push(`${level} ${message}`);
  const directory = its.directory ?? join(root, String(number++));
  let file = textOf(1);
  let ask: () => void = () => {};
  const interpret = async (text: string) => {
    if (!text.startsWith('{')) throw new Error('line 3: what is this?');
    return JSON.parse(text) as Config;
  };
  const source = {
    ...{ file: '/etc/lb.yaml', read: async () => file, interpret },
    requests: {
      asked: (signal: AbortSignal) =>
        new Promise<boolean>((resolve) => {
          ask = () => resolve(true);
          signal.addEventListener('abort', () => resolve(false), { once: true });
        }),
    },
  };
  const configurator = new Configurator<Config>(
    {
      source,
      check: ({ size }) => {
        if (size > 9) throw new Error('too large');
      },
      apply: async (config) => {
        done.push(`apply ${config.size}`);
        if (its.fails?.(config) === true) throw new Error('no room');
      },
      ...{ revisions: new Revisions(directory), nowMs: () => 0 },
      log: { info: log('info'), error: log('error') } as never,
    },
    { config: { instance: 'one', size: 1 }, text: file },
    file,
  );
  const stop = new AbortController();
  const running = configurator.run(stop.signal);
  return {
    ...{ configurator, done, directory, source },
    /** SIGHUP, with this in the file. */
    reload: async (text: string) => {
      file = text;
      ask();
      for (let i = 0; i < 10; i++) await settle();
    },
    stop: () => (stop.abort(), running),
  };
}

const IN_FORCE = 'info configuration in force';
const TAKEN = 'info configuration reloaded';
const REFUSED = 'error configuration not reloaded; the one before stays in force';

const rows: {
  name: string;
  file: string;
  fails?: (config: Config) => boolean;
  done: readonly string[];
  error: RegExp | null;
}[] = [
  { name: 'a change is applied', file: textOf(2), done: ['apply 2', IN_FORCE, TAKEN], error: null },
  { name: 'nothing changed: nothing is applied', file: textOf(1), done: [TAKEN], error: null },
  {
    name: 'a file that cannot be read changes nothing',
    ...{ file: 'what?', done: [REFUSED], error: /^line 3/ },
  },
  {
    name: 'what cannot be had changes nothing',
    ...{ file: textOf(10), done: [REFUSED], error: /^too large$/ },
  },
  {
    name: 'another instance is another daemon',
    ...{ file: textOf(1, 'two'), done: [REFUSED] },
    error: /the file says two, this daemon is of one/,
  },
  {
    name: 'what fails half way is taken back',
    file: textOf(2),
    fails: ({ size }) => size === 2,
    ...{ done: ['apply 2', 'apply 1', REFUSED], error: /^no room$/ },
  },
  {
    name: 'what cannot be taken back is told, too',
    file: textOf(2),
    fails: () => true,
    done: ['apply 2', 'apply 1', 'error the configuration before cannot be put back', REFUSED],
    error: /^no room$/,
  },
];

for (const { name, file, done, error, ...its } of rows)
  test(`a reload: ${name}`, async () => {
    const one = daemon(its);
    await one.reload(file);
    await one.stop();
    assert.deepEqual(one.done, done);
    const { state } = one.configurator;
    if (error === null) assert.equal(state.reloadError, null);
    else assert.match(state.reloadError ?? '', error);
    const applied = done.includes(IN_FORCE);
    assert.equal(state.configRevision, applied ? 2 : 1);
    const kept = readdirSync(join(one.directory, 'revisions')).toSorted();
    assert.deepEqual(
      kept,
      applied ? ['1.json', '1.yaml', '2.json', '2.yaml'] : ['1.json', '1.yaml'],
    );
  });

test('a reload that works clears what was said of the one before', async () => {
  const one = daemon();
  await one.reload(textOf(10));
  assert.match(one.configurator.state.reloadError ?? '', /too large/);
  await one.reload(textOf(3));
  await one.stop();
  assert.equal(one.configurator.state.reloadError, null);
});

test('who applied what, and back again', async () => {
  const { configurator, done } = daemon();
  const { revision, applied, changes } = await configurator.propose(textOf(2), BY_ANNA);
  assert.deepEqual([revision, applied, changes.map(({ path }) => path)], [2, true, ['size']]);
  await configurator.propose(textOf(3), BY_ANNA);
  assert.equal((await configurator.rollback(undefined, 'bert')).revision, 4);
  assert.equal(configurator.current.config.size, 2);
  await configurator.rollback(1, 'bert');
  assert.deepEqual(
    configurator.revisions.map(({ who, how, of, changes: lines }) => [who, how, of, ...lines]),
    [
      ['the daemon', 'start', null],
      ['anna', 'apply', null, '~ size: 1 → 2'],
      ['anna', 'apply', null, '~ size: 2 → 3'],
      ['bert', 'rollback', 2, '~ size: 3 → 2'],
      ['bert', 'rollback', 1, '~ size: 2 → 1'],
    ],
  );
  assert.deepEqual(
    done.filter((line) => line.startsWith('apply')),
    ['apply 2', 'apply 3', 'apply 2', 'apply 1'],
  );
  await assert.rejects(configurator.rollback(99, 'bert'), /revision 99 is not kept; 1 to 5 are/);
});

test('only looking changes nothing, and is not written down', async () => {
  const { configurator, done } = daemon();
  const outcome = await configurator.propose(textOf(2), BY_ANNA, { isDryRun: true });
  assert.deepEqual([outcome.applied, outcome.revision, outcome.changes.length], [false, 1, 1]);
  await assert.rejects(configurator.propose(textOf(10), BY_ANNA, { isDryRun: true }), /too large/);
  assert.deepEqual(done, []);
  assert.equal(configurator.revisions.length, 1);
});

test('of two who saw the same revision, the second is refused', async () => {
  const { configurator } = daemon();
  const both = [2, 3].map((size) =>
    configurator.propose(textOf(size), BY_ANNA, { ifRevision: 1 }).then(
      () => 'taken',
      (error: Error) => error.message,
    ),
  );
  const [first, second] = await Promise.all(both);
  assert.equal(first, 'taken');
  assert.match(second ?? '', /revision 2 is in force, not 1/);
});

test('what cannot be written down is not applied', async () => {
  const { configurator, done, directory } = daemon();
  rmSync(join(directory, 'revisions'), { recursive: true });
  writeFileSync(join(directory, 'revisions'), 'in the way');
  await assert.rejects(configurator.propose(textOf(2), BY_ANNA), /cannot be written/);
  assert.deepEqual(done, []);
  assert.equal(configurator.state.configRevision, 1);
});

test('a bounded number is kept', async () => {
  const { configurator, directory } = daemon();
  for (let i = 0; i < 60; i++) await configurator.propose(textOf(2 + (i % 2)), BY_ANNA);
  assert.equal(configurator.revisions.length, 50);
  assert.equal(configurator.revisions.at(-1)?.revision, 61);
  assert.equal(readdirSync(join(directory, 'revisions')).length, 100);
});

test('after a restart what was applied goes on, until the file is changed', async () => {
  const { configurator, directory, source } = daemon();
  await configurator.propose(textOf(5), BY_ANNA);
  const log = { warn: () => {}, info: () => {} };
  const begin = async (text: string) => {
    const file = { config: await source.interpret(text), text };
    return (await whatIsInForce(source, file, new Revisions(directory), log)).config.size;
  };
  assert.equal(await begin(textOf(1)), 5);
  assert.equal(await begin(textOf(7)), 7);
  const again = daemon({ directory });
  assert.equal(
    again.configurator.state.configRevision,
    3,
    'the file of this one says 1, which is in force now',
  );
});

test('what was applied and cannot be used any more makes way for the file', async () => {
  const { configurator, directory, source } = daemon();
  await configurator.propose(textOf(5), BY_ANNA);
  const said: string[] = [];
  const log = { warn: (_: object, message: string) => void said.push(message), info: () => {} };
  const broken = { ...source, interpret: () => Promise.reject(new Error('no eth7')) };
  const file = { config: { instance: 'one', size: 1 }, text: textOf(1) };
  assert.equal(await whatIsInForce(broken, file, new Revisions(directory), log), file);
  assert.match(said.join(), /begins with the file/);
});
