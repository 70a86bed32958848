/** The scripts in the shells that they are for; and that a daemon's names come out of them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { SHELLS, type Shell } from './scripts.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'fullnat-completion-'));
const socket = join(folder, 'daemon.sock');
const BACKENDS = [
  { pool: 'web', name: 'server1', address: '10.0.98.79:8056', state: 'up' },
  { pool: 'web', name: '10.0.98.80:8056', address: '10.0.98.80:8056', state: 'down' },
];
const daemon = createServer((_, response) => response.end(JSON.stringify(BACKENDS)));

/** Prints what stands behind the cursor's word after TAB, a candidate a line or in one line. */
const ASKING: Readonly<Record<Shell, (line: string) => string[]>> = {
  bash: (line) => [
    ...['bash', '--norc', '-c'],
    `source <(fullnat completion bash); compopt() { :; }; COMP_LINE='${line}'
     COMP_POINT=\${#COMP_LINE}; _fullnat fullnat; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  fish: (line) => [
    ...['fish', '--no-config', '-c'],
    `fullnat completion fish | source; complete -C '${line}'`,
  ],
  // zsh completes in its line editor only: one that runs on a terminal of its own is typed into.
  zsh: (line) => [
    ...['zsh', '-f', '-c'],
    `zmodload zsh/zpty; zpty z zsh -f -i
     zpty -w z 'PS1=; LISTMAX=99; autoload -U compinit; compinit -u -D; ' \\
       'source <(fullnat completion zsh); echo REA""DY'
     zpty -r -m z said '*READY*'
     zpty -w -n z $'${line}\\t\\t'
     zpty -w -n z $'\\C-a#\\n echo DO""NE\\n'
     zpty -r -m z said '*DONE*'; print -r -- $said; zpty -d z`,
  ],
};

const rows: readonly { line: string; says: RegExp; in?: readonly Shell[] }[] = [
  { line: 'fullnat get backe', says: /backends/ },
  { line: 'fullnat lab up --on-collision=rem', says: /remap/ },
  { line: `fullnat get --socket ${socket} --backend serv`, says: /server1/ },
  // bash takes words apart at a colon, and wants what stands behind it only.
  { line: `fullnat get --socket ${socket} --backend 10.0.98.80:`, says: /8056/ },
  // bash does this by itself, once it is told to.
  { line: `fullnat check ${folder}/lb.y`, says: /lb\.yaml/, in: ['zsh', 'fish'] },
];

describe('completion', { timeout: 60_000 }, () => {
  before(async () => {
    symlinkSync(resolve(import.meta.dirname, '../main.js'), join(folder, 'fullnat'));
    writeFileSync(join(folder, 'lb.yaml'), '');
    await new Promise<void>((listening) => daemon.listen(socket, listening));
  });
  after(() => {
    daemon.close();
    rmSync(folder, { recursive: true });
  });

  for (const shell of SHELLS)
    for (const { line, says } of rows.filter((row) => row.in?.includes(shell) ?? true))
      test(`${shell}: ${line.replace(folder, 'DIR')}`, { skip: without(shell) }, async () => {
        const [program = '', ...words] = ASKING[shell](line);
        const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, TERM: 'dumb' };
        const { stdout } = await run(program, words, { env });
        // A slow one may beep in the middle of the word.
        assert.match(stdout.replaceAll('\u0007', ''), says);
      });

  test('no daemon: silence, and exit code 0', async () => {
    const words = ['get', '--socket', `${folder}/nobody.sock`, '--backend', ''];
    const { stdout, stderr } = await run(join(folder, 'fullnat'), ['__complete', '--', ...words]);
    assert.deepEqual([stdout, stderr], ['', '']);
  });
});

function without(shell: Shell): string | false {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.some((path) => existsSync(join(path, shell))) ? false : `needs ${shell}`;
}
