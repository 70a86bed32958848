import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AGENT, BALANCER } from '../control/config/samples.ts';
import { allCommands } from './registry.ts';
import { run } from './run.ts';
import { recordedContext } from './testing.ts';

const REGISTRY = await allCommands();

const directory = mkdtempSync(join(tmpdir(), 'fullnat-cli-'));
after(() => rmSync(directory, { recursive: true }));

const usage: readonly { line: string; says: RegExp }[] = [
  { line: 'gt', says: /unknown command 'gt'; did you mean `get`\?\nsee: fullnat --help/ },
  { line: 'get', says: /missing required argument 'resource'\nsee: fullnat get --help/ },
  { line: 'get sesions', says: /unknown resource `sesions`; did you mean `sessions`\?/ },
  {
    line: 'get sessions --instnce x',
    says: /unknown option '--instnce'; did you mean `--instance`\?/,
  },
  { line: 'get sessions -o jsno', says: /unknown output format `jsno`; did you mean `json`\?/ },
  { line: 'get sessions --instance ../x', says: /bad instance name `\.\.\/x`/ },
  { line: 'version now', says: /too many arguments/ },
  { line: 'balancer -c /nowhere/lb.yaml', says: /\/nowhere\/lb.yaml: there is no such file/ },
  { line: 'lab up --servers 3', says: /unknown number of servers `3` \(one of 1, 2\)/ },
  { line: 'probe', says: /missing required argument 'vip:port/ },
  { line: 'probe 10.0.23.111', says: /'10.0.23.111' is not an address and port/ },
  { line: 'probe [2001:db8::1]:80', says: /IPv6 address; only IPv4 is supported yet/ },
  { line: 'probe 10.0.23.111:0', says: /port 0 cannot be connected/ },
  {
    line: 'probe 10.0.23.111:80 --only filtred',
    says: /unknown state `filtred`; did you mean `filtered`\?/,
  },
  { line: 'probe 10.0.23.111:80 --interval 5', says: /'5' has no unit; write 5s or 5ms/ },
  { line: 'probe 10.0.23.111:80 --source-port 9-5', says: /'9-5' ends before it begins/ },
  { line: 'probe 10.0.23.111:80 --count none', says: /bad --count `none`/ },
  { line: 'probe 10.0.23.111:80 --compare', says: /--compare needs two targets/ },
  { line: 'probe 10.0.23.111:80 10.0.23.111:80', says: /10\.0\.23\.111:80 is given twice/ },
  {
    line: 'probe 10.0.23.111:80 10.0.98.79:80 --source-port 5000',
    says: /2 targets need as many source ports/,
  },
  { line: 'probe 10.0.23.111:80 --backend 10.0.98.79', says: /bad --backend/ },
  { line: 'probe 10.0.23.111:80 --metrics somewhere', says: /bad --metrics `somewhere`/ },
  {
    line: 'probe 10.0.23.111:80 --metrics 0.0.0.0:9180',
    says: /0\.0\.0\.0 can be read by others.*--metrics-for-others/,
  },
  { line: 'check /nowhere/lb.yaml', says: /\/nowhere\/lb.yaml: there is no such file/ },
];

for (const { line, says } of usage)
  test(`bad usage: ${line}`, async () => {
    const { exit, stdout, stderr } = await fullnat(line);
    assert.match(stderr, says);
    assert.equal(stdout, '');
    assert.equal(exit, 2);
  });

for (const line of [
  '--help',
  'get --help',
  'probe --help',
  'check --help',
  'version --help',
  'help probe',
  'help lab up',
  'lab up --help',
])
  test(`${line} goes to stdout`, async () => {
    const { exit, stdout, stderr } = await fullnat(line);
    assert.match(stdout, /^Usage: fullnat/);
    assert.equal(stderr, '');
    assert.equal(exit, 0);
  });

test('help of a command in a group', async () => {
  const { stdout } = await fullnat('help lab up');
  assert.match(stdout, /^Usage: fullnat lab up /);
});

for (const line of ['--version', '-V'])
  test(`${line}: one line`, async () => {
    const { exit, stdout } = await fullnat(line);
    assert.match(stdout, /^fullnat \d+\.\d+\.\d+\n$/);
    assert.equal(exit, 0);
  });

test('help fits a terminal of 80 columns, unless an example is longer by itself', async () => {
  const groups = REGISTRY.flatMap((entry) => ('handler' in entry ? [] : [entry]));
  const lines = [
    '--help',
    ...groups.map(({ name }) => `${name} --help`),
    ...REGISTRY.flatMap((entry) =>
      'handler' in entry
        ? [`${entry.name} --help`]
        : entry.commands.map(({ name }) => `${entry.name} ${name} --help`),
    ),
  ];
  for (const line of lines) {
    const recorded = recordedContext({ columns: 80 });
    assert.equal(await run(REGISTRY, line.split(' '), recorded.context), 0);
    const [text = '', examples = ''] = recorded.stdout().split('\nExamples:\n');
    for (const each of text.split('\n')) assert.ok(each.length <= 80, `${line}: ${each}`);
    for (const each of examples.split('\n'))
      assert.ok(each.length <= 80 || /^  fullnat [^ ]/.test(each), `${line}: ${each}`);
  }
});

test('no words at all: the help, on stderr, exit 2', async () => {
  const { exit, stdout, stderr } = await fullnat('');
  assert.match(stderr, /^Usage: fullnat/);
  assert.equal(stdout, '');
  assert.equal(exit, 2);
});

test('every command has a summary and an example that begins with its name', () => {
  const commands = REGISTRY.flatMap((entry) => ('handler' in entry ? [entry] : []));
  for (const { name, summary, examples } of commands) {
    assert.ok(summary.length > 10, name);
    assert.ok(examples.length > 0, name);
    for (const { command } of examples) assert.ok(command.startsWith(`fullnat ${name}`), command);
  }
});

test('check: a right file, exit 0 and one line of summary', async () => {
  const { exit, stdout, stderr } = await fullnat(`check --file-only ${file('lb.yaml', BALANCER)}`);
  assert.match(
    stdout,
    /lb.yaml: ok \(balancer of instance "lab": 1 listener, 1 pool, 2 backends, 16 local addresses, 262144 sessions\)\n$/,
  );
  assert.equal(stderr, '');
  assert.equal(exit, 0);
});

test('check: an agent is recognised', async () => {
  const { stdout } = await fullnat(`check --file-only ${file('agent.yaml', AGENT)}`);
  assert.match(
    stdout,
    /ok \(agent of instance "lab": 2 servers \(10.0.98.79:8056 remap, 10.0.98.80:8056 drop\), 2 interfaces, 16 trusted locals\)/,
  );
});

test('check: every problem of a wrong file on stderr, exit 2', async () => {
  const path = file(
    'bad.yaml',
    BALANCER.replace('toa: syn', 'toe: syn').replace('weight: 3', 'weight: -1'),
  );
  const { exit, stdout, stderr } = await fullnat(`check --file-only ${path}`);
  assert.equal(
    stderr,
    `${path}:12:5: listeners[0]: unknown key \`toe\`; did you mean \`toa\`?\n` +
      `${path}:19:45: pools[0].backends[0].weight: must be a whole number in 0..65535, got -1\n`,
  );
  assert.equal(stdout, '');
  assert.equal(exit, 2);
});

test('check: this machine has no such interface', async () => {
  const path = file('machine.yaml', BALANCER.replace('[eth0]', '[nosuchnic0]'));
  const { exit, stderr } = await fullnat(`check ${path}`);
  assert.match(stderr, /:2:14: interface 'nosuchnic0' does not exist/);
  assert.equal(exit, 2);
});

test('version as JSON', async () => {
  const { exit, stdout } = await fullnat('version -o json');
  const facts = JSON.parse(stdout) as Record<string, unknown>;
  assert.match(String(facts['fullnat']), /^\d+\.\d+\.\d+/);
  assert.equal(facts['node'], process.versions.node);
  for (const object of ['balancer', 'agent', 'socket'])
    assert.ok(`${object}.bpf.o` in facts, object);
  assert.equal(exit, 0);
});

test('probe: a port where nobody listens, one JSON object a line, the summary last, exit 11', async () => {
  const port = await freePort();
  const { exit, stdout, stderr } = await fullnat(
    `probe 127.0.0.1:${port} --count 2 --interval 1ms -o json`,
  );
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map((line) => line['state'] ?? line['summary']),
    ['closed', 'closed', true],
  );
  assert.equal(lines[2]?.['closed'], 2);
  assert.equal(stderr, '');
  assert.equal(exit, 11);
});

test('probe: an open port; --only keeps the lines away, the summary stays on stderr', async () => {
  const server = createServer((socket) => socket.resume().on('error', () => {})).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const { exit, stdout, stderr } = await fullnat(
      `probe 127.0.0.1:${address.port} --count 3 --interval 1ms --only filtered --reset`,
    );
    assert.equal(stdout, '');
    assert.match(stderr, /: 3 attempts: 3 open\nconnect: least /);
    assert.equal(exit, 0);
  } finally {
    server.close();
  }
});

test('probe: an address that is not ours stops it with what to do', async () => {
  const { exit, stderr } = await fullnat('probe 127.0.0.1:1 --source 203.0.113.1');
  assert.match(stderr, /cannot connect from 203.0.113.1: it is not an address of this machine/);
  assert.equal(exit, 1);
});

async function fullnat(line: string): Promise<{ exit: number; stdout: string; stderr: string }> {
  const recorded = recordedContext();
  const words = line === '' ? [] : line.split(' ');
  const exit = await run(REGISTRY, words, recorded.context);
  return { exit, stdout: recorded.stdout(), stderr: recorded.stderr() };
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
