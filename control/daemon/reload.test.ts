/** What a reload takes up, and what it leaves as it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as settle } from 'node:timers/promises';
import { Reloader } from './reload.ts';

type Config = { instance: string; size: number };
const first: Config = { instance: 'one', size: 1 };

/** A daemon with `file` to read, and everything that it did. */
function daemon(its: { file: () => Config; fails?: (config: Config) => boolean }) {
  const done: string[] = [];
  const log = (level: string) => (_: object, message: string) =>
    void done.push(`${level} ${message}`);
  let ask: () => void = () => {};
  const reloader = new Reloader<Config>(
    {
      source: {
        read: async () => its.file(),
        requests: {
          asked: (signal) =>
            new Promise((resolve) => {
              ask = () => resolve(true);
              signal.addEventListener('abort', () => resolve(false), { once: true });
            }),
        },
      },
      check: ({ size }) => {
        if (size > 9) throw new Error('too large');
      },
      apply: async (config) => {
        done.push(`apply ${config.size}`);
        if (its.fails?.(config) === true) throw new Error('no room');
      },
      log: { info: log('info'), error: log('error') } as never,
    },
    first,
  );
  const stop = new AbortController();
  const running = reloader.run(stop.signal);
  return {
    reloader,
    done,
    reload: async () => {
      ask();
      for (let i = 0; i < 10; i++) await settle();
    },
    stop: () => (stop.abort(), running),
  };
}

const TAKEN = 'info configuration reloaded';
const REFUSED = 'error configuration not reloaded; the one before stays in force';

const rows: {
  name: string;
  file: () => Config;
  fails?: (config: Config) => boolean;
  done: readonly string[];
  error: RegExp | null;
}[] = [
  {
    name: 'a change is applied',
    file: () => ({ ...first, size: 2 }),
    done: ['apply 2', TAKEN],
    error: null,
  },
  { name: 'nothing changed: nothing is applied', file: () => first, done: [TAKEN], error: null },
  {
    name: 'a file that cannot be read changes nothing',
    file: () => {
      throw new Error('line 3: what is this?');
    },
    done: [REFUSED],
    error: /^line 3/,
  },
  {
    name: 'what cannot be had changes nothing',
    file: () => ({ ...first, size: 10 }),
    done: [REFUSED],
    error: /^too large$/,
  },
  {
    name: 'another instance is another daemon',
    file: () => ({ ...first, instance: 'two' }),
    done: [REFUSED],
    error: /the file says two, this daemon is of one/,
  },
  {
    name: 'what fails half way is taken back',
    file: () => ({ ...first, size: 2 }),
    fails: ({ size }) => size === 2,
    done: ['apply 2', 'apply 1', REFUSED],
    error: /^no room$/,
  },
  {
    name: 'what cannot be taken back is told, too',
    file: () => ({ ...first, size: 2 }),
    fails: () => true,
    done: ['apply 2', 'apply 1', 'error the configuration before cannot be put back', REFUSED],
    error: /^no room$/,
  },
];

for (const { name, done, error, ...its } of rows)
  test(name, async () => {
    const one = daemon(its);
    const { configSince } = one.reloader.state;
    await one.reload();
    await one.stop();
    assert.deepEqual(one.done, done);
    const { state } = one.reloader;
    if (error === null) assert.equal(state.reloadError, null);
    else assert.match(state.reloadError ?? '', error);
    assert.equal(state.configSince === configSince, error !== null);
  });

test('a reload that works clears what was said of the one before', async () => {
  let size = 10;
  const one = daemon({ file: () => ({ ...first, size }) });
  await one.reload();
  assert.match(one.reloader.state.reloadError ?? '', /too large/);
  size = 3;
  await one.reload();
  await one.stop();
  assert.equal(one.reloader.state.reloadError, null);
});
