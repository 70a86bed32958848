/** Other balancers' configurations: whole files, with what is carried over and what is told; then odd lines. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { readConfig } from '../../control/config/read.ts';
import { importCommand } from '../commands/import.ts';
import { run } from '../run.ts';
import { recordedContext } from '../testing.ts';
import type { Draft, Importer } from './draft.ts';
import { importHaproxy } from './haproxy.ts';
import { importIpvsadm } from './ipvsadm.ts';
import { importKeepalived } from './keepalived.ts';
import { importNginxStream } from './nginx-stream.ts';
import { toYaml } from './write.ts';

// From dist/cli/import/ to the samples beside the source.
const SAMPLES = fileURLToPath(new URL('../../../cli/import/samples/', import.meta.url));
const WHERE = ['--locals', '10.0.124.160/28', '--interface', 'eth0'];

async function imported(...words: string[]) {
  const recorded = recordedContext();
  const exit = await run([importCommand], ['import', ...words], recorded.context);
  return { exit, stdout: recorded.stdout(), stderr: recorded.stderr() };
}

const samples = [
  { format: 'ipvsadm', file: 'ipvsadm.rules' },
  { format: 'keepalived', file: 'keepalived.conf' },
  { format: 'nginx-stream', file: 'nginx.conf' },
  { format: 'haproxy', file: 'haproxy.cfg' },
];
for (const { format, file } of samples)
  test(`${file}, whole`, async () => {
    const { exit, stdout, stderr } = await imported(format, SAMPLES + file, ...WHERE);
    assert.equal(exit, 0);
    const told = `${stdout}\n${stderr}`.replaceAll(SAMPLES, '');
    const golden = `${SAMPLES}${file}.expected`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, told);
    assert.equal(told, readFileSync(golden, 'utf8'));
    const read = readConfig(stdout, { file });
    assert.ok(read.ok, 'and it passes fullnat check');
  });

test('haproxy.cfg is what HAProxy takes', () => {
  execFileSync('haproxy', ['-c', '-f', `${SAMPLES}haproxy.cfg`]);
});

const usage: readonly { words: readonly string[]; exit: number; says: RegExp }[] = [
  { words: ['haproxy', `${SAMPLES}haproxy.cfg`], exit: 2, says: /--locals CIDR is missing/ },
  { words: ['haprxy', 'x', ...WHERE], exit: 2, says: /did you mean `haproxy`/ },
  { words: ['haproxy', '/nowhere', ...WHERE], exit: 2, says: /there is no such file/ },
  {
    words: ['ipvsadm', `${SAMPLES}haproxy.cfg`, ...WHERE],
    exit: 1,
    says: /nothing there that could be a listener/,
  },
  {
    words: ['haproxy', `${SAMPLES}haproxy.cfg`, '--locals', '10.0.124.160/33', '--interface', 'e'],
    exit: 1,
    says: /the result is no configuration yet:\n  line 5: locals/,
  },
];
for (const { words, exit, says } of usage)
  test(`import ${words.join(' ').replaceAll(SAMPLES, '')}`, async () => {
    const result = await imported(...words);
    assert.match(result.stderr, says);
    assert.equal(result.exit, exit);
  });

const SERVICE = '-A -t 10.0.23.111:80 -s rr\n';
const FRONTEND = 'frontend f\n bind 10.0.23.111:80\n default_backend b\nbackend b\n ';
const rows: readonly {
  name: string;
  from: Importer;
  text: string;
  listeners?: readonly string[];
  backends?: readonly string[];
  says?: RegExp;
}[] = [
  {
    name: 'ipvsadm, long options',
    from: importIpvsadm,
    text:
      '--add-service --tcp-service 10.0.23.111:80 --scheduler wrr\n' +
      '--add-server --tcp-service 10.0.23.111:80 --real-server 10.0.98.79:80 --masquerading --weight 2\n',
    listeners: ['10.0.23.111:80'],
    backends: ['10.0.98.79:80 2'],
    says: /^1: IPVS checks no servers/,
  },
  {
    name: 'ipvsadm, every port of an address',
    from: importIpvsadm,
    text: '-A -t 10.0.23.111:0 -s rr -p\n-a -t 10.0.23.111:0 -r 10.0.98.79:0 -m -w 1\n',
    says: /^1: service is left out: '10.0.23.111:0' has no port$/,
  },
  {
    name: 'ipvsadm, a server of no service',
    from: importIpvsadm,
    text: '-a -t 10.0.23.111:80 -r 10.0.98.79:80 -m\n',
  },
  {
    name: 'ipvsadm, something else',
    from: importIpvsadm,
    text: `${SERVICE}hello\n`,
    listeners: ['10.0.23.111:80'],
    says: /^2: not understood: hello$/m,
  },
  {
    name: 'keepalived, all on one line',
    from: importKeepalived,
    text: 'virtual_server 10.0.23.111 80 { real_server 10.0.98.79 80 { weight 2 } }',
    listeners: ['10.0.23.111:80'],
    backends: ['10.0.98.79:80 2'],
  },
  {
    name: 'keepalived, a brace on its own line, comments',
    from: importKeepalived,
    text: 'virtual_server 10.0.23.111 80 # web\n{\n! one\nreal_server 10.0.98.79 80\n{\nweight 2\n}\n}\n',
    listeners: ['10.0.23.111:80'],
    backends: ['10.0.98.79:80 2'],
  },
  {
    name: 'keepalived, a group',
    from: importKeepalived,
    text: 'virtual_server group web {\n}\n',
    says: /^1: virtual_server group web is left out/,
  },
  {
    name: 'keepalived, checks with other times',
    from: importKeepalived,
    text:
      'virtual_server 10.0.23.111 80 {\nreal_server 10.0.98.79 80 {\nTCP_CHECK {\nretry 1\n}\n}\n' +
      'real_server 10.0.98.80 80 {\nTCP_CHECK {\nretry 5\nconnect_port 8080\n}\n}\n}\n',
    listeners: ['10.0.23.111:80'],
    backends: ['10.0.98.79:80', '10.0.98.80:80'],
    says: /^8: other times than those of line 3 .*\n10: connect_port 8080 is not/m,
  },
  {
    name: 'nginx, an included file of stream',
    from: importNginxStream,
    text: 'upstream "a b" { server 10.0.98.79:80; }\nserver { listen 10.0.23.111:80; proxy_pass "a b"; }',
    listeners: ['10.0.23.111:80'],
    backends: ['10.0.98.79:80'],
  },
  {
    name: 'nginx, a proxy_pass that is chosen later, and TLS',
    from: importNginxStream,
    text:
      'stream {\nserver { listen 10.0.23.111:80; proxy_pass $chosen; }\n' +
      'server { listen 10.0.23.111:443 ssl; proxy_pass 10.0.98.79:443; }\n}',
    says: /^2: server is left out: proxy_pass \$chosen .*\n3: listen 10.0.23.111:443 ssl is left out/m,
  },
  {
    name: 'nginx, a server by name',
    from: importNginxStream,
    text: 'stream { upstream u { server web1.example:80; } }',
    says: /^1: server is left out: 'web1.example' is not an IPv4 address/,
  },
  {
    name: 'haproxy, a range of ports',
    from: importHaproxy,
    text: 'listen l\n bind 10.0.23.111:80-85\n server s 10.0.98.79:80\n',
    backends: ['10.0.98.79:80'],
    says: /^2: bind 10.0.23.111:80-85 is left out: .* each of 80 to 85$/m,
  },
  {
    name: 'haproxy, quotes and a comment',
    from: importHaproxy,
    text: `${FRONTEND}server "my server" 10.0.98.79:80 weight 7 # the old one\n`,
    listeners: ['10.0.23.111:80'],
    backends: ['10.0.98.79:80 7'],
  },
  {
    name: 'haproxy, a backend that is nowhere',
    from: importHaproxy,
    text: 'frontend f\n bind 10.0.23.111:80\n default_backend b\n',
    says: /^1: listener 10.0.23.111:80 is left out: there is no backend b in tcp mode$/m,
  },
  {
    name: 'haproxy, conditions instead of a default',
    from: importHaproxy,
    text: 'frontend f\n bind 10.0.23.111:80\n use_backend b if x\n',
    says: /^1: frontend f is left out: it has no default_backend\n3: use_backend b if x is not/m,
  },
  {
    name: 'haproxy, units of time',
    from: importHaproxy,
    text: `${FRONTEND}server s 10.0.98.79:80 check inter 1m\n`,
    listeners: ['10.0.23.111:80'],
    backends: ['10.0.98.79:80'],
  },
];
for (const { name, from, text, listeners = [], backends = [], says = /^$/ } of rows)
  test(name, () => {
    const draft = from(text);
    assert.deepEqual(
      draft.listeners.map(({ address }) => address),
      listeners,
    );
    assert.deepEqual(
      draft.pools.flatMap((pool) =>
        pool.backends.map(({ address, weight }) => [address, weight].filter(Boolean).join(' ')),
      ),
      backends,
    );
    assert.match(notesOf(draft), says);
  });

const words = fc.constantFrom(
  ...['listen', 'server', 'bind', 'virtual_server', 'real_server', '-A', '-a', '-t', '{', '}', ';'],
  ...['10.0.23.111:80', '10.0.98.79', '80', '"', "'", '\\', '#', '\n', 'stream', 'frontend', ' '],
);
for (const from of [importHaproxy, importIpvsadm, importKeepalived, importNginxStream])
  test(`${from.name} reads anything, and says YAML`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(words, fc.string({ maxLength: 5 })), { maxLength: 60 }),
        (text) => {
          const draft = from(text.join(' '));
          const yaml = toYaml(draft, { from: 'x', interfaces: ['eth0'], locals: ['10.0.124.1'] });
          const lines = text.join(' ').split('\n').length;
          assert.ok(draft.notes.every(({ line }) => line >= 1 && line <= lines));
          const read = readConfig(yaml, { file: 'x' });
          // What may be wrong with it are names and addresses that come twice, or nothing left.
          if (!read.ok)
            for (const { message } of read.problems)
              assert.match(message, /twice|already|same|at least|empty|no |none|also/);
        },
      ),
    );
  });

function notesOf({ notes }: Draft): string {
  return notes
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, text }) => `${line}: ${text}`)
    .join('\n');
}
