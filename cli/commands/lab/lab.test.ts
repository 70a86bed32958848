/** What `fullnat lab` says before it touches anything, and how it shows a lab. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { LabStatus } from '../../../lab/status.ts';
import type { Context, Sink } from '../../command.ts';
import { PLAIN } from '../../output/style.ts';
import { run } from '../../run.ts';
import { lab } from '../lab.ts';
import { statusText } from './status.ts';

const NOT_A_CONFIGURATION = resolve(import.meta.dirname, '../lab.js');

const rows: { name: string; words: string; exitCode: number; says: RegExp }[] = [
  {
    name: 'a bad instance is a mistake',
    words: 'up --instance ../x',
    exitCode: 2,
    says: /instance must be lower-case letters/,
  },
  {
    name: 'so is one that would take the namespaces of the default',
    words: 'up --instance fn',
    exitCode: 2,
    says: /instance 'fn' would take the namespaces of 'lab'/,
  },
  {
    name: 'three servers are a mistake',
    words: 'up --servers 3',
    exitCode: 2,
    says: /unknown number of servers `3` \(one of 1, 2\)/,
  },
  {
    name: 'no locals are a mistake',
    words: 'up --lips 0',
    exitCode: 2,
    says: /lips must be an integer in 1\.\.16, got 0/,
  },
  {
    name: 'a configuration that is not there is a mistake',
    words: 'up --config /does/not/exist.yaml',
    exitCode: 2,
    says: /--config \/does\/not\/exist\.yaml: there is no such file/,
  },
  {
    name: 'so is one that is no configuration',
    words: `up --config ${NOT_A_CONFIGURATION}`,
    exitCode: 2,
    says: /lab\.js cannot be used; nothing was changed\n.*lab\.js:\d+:\d+: /,
  },
  {
    name: 'a policy with a typo gets a suggestion',
    words: 'up --on-collision dorp',
    exitCode: 2,
    says: /did you mean `drop`/,
  },
  {
    name: 'exec wants a command',
    words: 'exec client --',
    exitCode: 2,
    says: /missing required argument 'command'|which command\?/,
  },
  {
    name: 'options of exec behind the namespace are told apart from the command',
    words: 'exec client --instance mine -- true',
    exitCode: 2,
    says: /--instance stands after the namespace.*; options of lab exec come before it/,
  },
  {
    name: 'a case with a typo gets a suggestion',
    words: 'case direkt',
    exitCode: 2,
    says: /did you mean `direct`/,
  },
  { name: 'cases are listed', words: 'case', exitCode: 0, says: /^CASE +SENTENCE\ndirect / },
];
for (const { name, words, exitCode, says } of rows) {
  test(name, async () => {
    const context = listening();
    assert.equal(await run([lab], ['lab', ...words.split(' ')], context), exitCode);
    assert.match(context.said(), says);
  });
}

test('a lab whose daemons and servers are partly gone', () => {
  const found: LabStatus = {
    instance: 'lab',
    whole: false,
    options: undefined,
    namespaces: [
      {
        role: 'balancer',
        name: 'fn-balancer',
        exists: true,
        addresses: ['eth0 10.0.23.1/24', 'eth0 10.0.23.111/32'],
        processes: 1,
      },
      { role: 'host', name: 'fn-host', exists: false, addresses: [], processes: 0 },
    ],
    daemons: [
      { name: 'balancer', pid: 7, socket: '/run/fullnat/lab/balancer.sock', answers: true },
      { name: 'agent', pid: undefined, socket: '/run/fullnat/lab/agent.sock', answers: false },
    ],
    servers: [{ name: 'server1', address: '10.0.98.79:8056', pid: 9, answers: false }],
  };
  assert.equal(
    statusText(found, PLAIN),
    [
      'NAMESPACE    ADDRESSES                               PROCESSES  STATE',
      'fn-balancer  eth0 10.0.23.1/24, eth0 10.0.23.111/32          1  there',
      'fn-host      -                                               0  missing',
      '',
      'SERVER   ADDRESS          PID  STATE',
      'server1  10.0.98.79:8056  9    no answer',
      '',
      'DAEMON    SOCKET                          PID  STATE',
      'balancer  /run/fullnat/lab/balancer.sock  7    answers',
      'agent     /run/fullnat/lab/agent.sock     -    not running',
      '',
    ].join('\n'),
  );
});

function listening(): Context & { said: () => string } {
  let text = '';
  const sink: Sink = {
    write: (more) => void (text += more),
    isTerminal: false,
    columns: 100,
    rows: 50,
    style: PLAIN,
  };
  return { stdout: sink, stderr: sink, signal: new AbortController().signal, said: () => text };
}
