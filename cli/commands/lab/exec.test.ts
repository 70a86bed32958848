import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { missingFor, thisMachine } from '../../../lab/requirements.ts';

const MAIN = resolve(import.meta.dirname, '../../main.js');
const INSTANCE = `exec-${process.pid}`;
const NAMESPACE = `${INSTANCE}-client`;
const CTRL_C = '\u0003';
const END = '\n';

// Tells who its parent is, and each interruption as it comes. Ends when it is told to, a moment later, so
// that an interruption that is on its way is still heard.
const COUNTER = `
  let n = 0;
  process.on("SIGINT", () => console.log("interrupted " + ++n));
  process.stdin.once("data", () => setTimeout(() => process.exit(5), 200));
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
    // The shell stays in between: script(1) would stop with its own child. Ctrl-C reaches the shell too,
    // and dash, unlike bash, would die of it: what it catches itself, its children do not ignore.
    const line = `trap : INT; ${COMMAND.map((word) => `'${word}'`).join(' ')}; exit $?`;
    const env = { ...process.env, SHELL: '/bin/sh' };
    const { said, exitCode } = await conversed(['script', '-qec', line, '/dev/null'], { env }, [
      [
        /parent (\d+)\./,
        (child, parent) => {
          // We are late, so that a second interruption cannot fall together with the first.
          process.kill(parent, 'SIGSTOP');
          child.stdin?.write(CTRL_C);
        },
      ],
      [
        /parent (\d+)\.[^]*interrupted 1/,
        async (child, parent) => {
          process.kill(parent, 'SIGCONT');
          while (catches(parent, constants.signals.SIGINT)) await setTimeout(20);
          child.stdin?.write(END);
        },
      ],
    ]);
    assert.match(said, /interrupted 1/);
    assert.doesNotMatch(said, /interrupted 2/);
    assert.equal(exitCode, 5);
  });

  test('a signal that only we get is passed on', async () => {
    const { said, exitCode } = await conversed(COMMAND, { detached: true }, [
      [/parent \d+\./, (child) => child.kill('SIGINT')],
      [/interrupted 1\n/, (child) => child.stdin?.write(END)],
    ]);
    assert.match(said, /interrupted 1\n/);
    assert.equal(exitCode, 5);
  });
});

/** We handle a first Ctrl-C only: once it has been handled, it is no longer caught. */
function catches(process: number, signal: number): boolean {
  const status = readFileSync(`/proc/${process}/status`, 'utf8');
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return ((BigInt(`0x${mask ?? '0'}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

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
        Promise.resolve(step[1](child, Number(found[1]))).catch(reject);
      }
    });
    child.once('error', reject);
    child.once('close', (exitCode) => done({ said, exitCode }));
  });
}
