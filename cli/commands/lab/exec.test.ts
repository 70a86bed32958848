import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missingFor, thisMachine } from '../../../lab/requirements.ts';

const MAIN = resolve(import.meta.dirname, '../../main.js');
const INSTANCE = `exec-${process.pid}`;
const NAMESPACE = `${INSTANCE}-client`;
const CTRL_C = '\u0003';

// Tells who its parent is, and each interruption as it comes.
const COUNTER = `
  let n = 0;
  process.on("SIGINT", () => console.log("interrupted " + ++n));
  setTimeout(() => process.exit(5), 1_500);
  console.log("parent " + process.ppid + ".");`;
const WORDS = [MAIN, 'lab', 'exec', '--instance', INSTANCE, 'client', '--'];
const COMMAND = [process.execPath, ...WORDS, process.execPath, '-e', COUNTER];

function whatIsMissing(): string | false {
  const missing = missingFor(thisMachine());
  if (!thisMachine().hasProgram('script')) missing.push('programs: apt-get install bsdutils');
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

describe('lab exec, interrupted', { skip: whatIsMissing(), timeout: 30_000 }, () => {
  before(() => spawnSync('ip', ['netns', 'add', NAMESPACE]));
  after(() => spawnSync('ip', ['netns', 'del', NAMESPACE]));

  test('Ctrl-C on a terminal reaches the command once, not from us as well', async () => {
    // The shell stays in between: script(1) would stop with its own child.
    const line = `${COMMAND.map((word) => `'${word}'`).join(' ')}; exit $?`;
    const { said, exitCode } = await conversed(['script', '-qec', line, '/dev/null'], {}, [
      [
        /parent (\d+)\./,
        (child, parent) => {
          // We are late, so that a second interruption cannot fall together with the first.
          process.kill(parent, 'SIGSTOP');
          child.stdin?.write(CTRL_C);
        },
      ],
      [/parent (\d+)\.[^]*interrupted 1/, (_, parent) => process.kill(parent, 'SIGCONT')],
    ]);
    assert.match(said, /interrupted 1/);
    assert.doesNotMatch(said, /interrupted 2/);
    assert.equal(exitCode, 5);
  });

  test('a signal that only we get is passed on', async () => {
    const { said, exitCode } = await conversed(COMMAND, { detached: true }, [
      [/parent \d+\./, (child) => child.kill('SIGINT')],
    ]);
    assert.match(said, /interrupted 1\n/);
    assert.equal(exitCode, 5);
  });
});

/** Runs a program to its end; does each thing when what it waits for has been said. */
function conversed(
  [program = '', ...words]: readonly string[],
  options: SpawnOptions,
  steps: readonly (readonly [RegExp, (child: ChildProcess, parent: number) => void])[],
): Promise<{ said: string; exitCode: number | null }> {
  return new Promise((done, reject) => {
    const child = spawn(program, words, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
    const waiting = [...steps];
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      said += more;
      for (let step = waiting[0]; step !== undefined; step = waiting[0]) {
        const found = step[0].exec(said);
        if (found === null) return;
        waiting.shift();
        step[1](child, Number(found[1]));
      }
    });
    child.once('error', reject);
    child.once('close', (exitCode) => done({ said, exitCode }));
  });
}
