/** `fullnat trace` on the report's captures: what it says, writes and returns. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TRACE_SCHEMA, type TraceJson } from '../../diagnose/report/trace-schema.ts';
import { reportCase } from '../../diagnose/testdata/report-case.ts';
import { CaptureReader } from '../../packet/capture-file.ts';
import { allCommands } from '../registry.ts';
import { run } from '../run.ts';
import { recordedContext } from '../testing.ts';

const REGISTRY = await allCommands();

const folder = mkdtempSync(join(tmpdir(), 'fullnat-trace-'));
after(() => rmSync(folder, { recursive: true }));

const OWNED = save('owned', reportCase({ owner: true }));
const INFERRED = save('inferred', reportCase({ owner: false }));

test('the report’s case in one line', async () => {
  const { code, stdout, stderr } = await fullnat('trace', ...OWNED);
  assert.equal(code, 10);
  assert.match(
    stdout,
    /^\S+  LOST {8}10\.0\.88\.100:21521 > 10\.0\.23\.111:18056  3 SYNs over 3\.0 s  lost between host-nic and host-vnic  collision \(if restored\)\n$/,
  );
  assert.match(stderr, /4 conversations: 3 established, 1 lost\n/);
});

test('the collision is named with its owner', async () => {
  const { conversations } = await json(...OWNED);
  const [failed] = conversations;
  assert.deepEqual(failed?.lostBetween, ['host-nic', 'host-vnic']);
  assert.deepEqual(
    failed?.hops.map(({ tuple }) => tuple),
    ['10.0.88.100:21521 > 10.0.23.111:18056', '10.0.124.161:5004 > 10.0.98.79:8056'],
  );
  assert.equal(failed?.match?.by[0], 'toa');
  assert.equal(
    failed?.findings[0]?.message,
    'if this host restores client addresses: the tuple it needs, 10.0.88.100:21521 > ' +
      '10.0.98.79:8056, is owned by a direct connection (established, age 2.001 s, seen at server)',
  );
});

test('an owner older than the captures is a possibility, and said to be no more', async () => {
  const { conversations } = await json(...INFERRED);
  assert.deepEqual(
    conversations[0]?.findings.map(({ code }) => code),
    ['collision-possible'],
  );
});

test('one connection in full', async () => {
  const { stdout } = await fullnat('trace', ...OWNED, '--show', '10.0.88.100:21521');
  assert.match(stdout, / {13}client +host-nic +host-vnic +server\n/);
  assert.match(stdout, /\+0\.000 ms {2}\* SYN -+>\*-+>X\n/);
  assert.match(stdout, / LOST BETWEEN HOST-NIC AND HOST-VNIC\n COLLISION {2}/);
  assert.match(stdout, /host-nic: .* length 60 {2}seq 3171571935 {2}TOA 10\.0\.88\.100:21521/);
});

test('one capture point alone: unanswered beyond it', async () => {
  const { conversations } = await json(OWNED[1] ?? '');
  assert.deepEqual(
    [conversations[0]?.outcome, conversations[0]?.lostBetween],
    ['unanswered', ['host-nic', null]],
  );
});

test('the session list of a balancer decides', async () => {
  const file = join(folder, 'sessions.json');
  const row = {
    ...{ client: '10.0.88.100:21521', listener: '10.0.23.111:18056' },
    ...{ local: '10.0.124.161:5004', backend: '10.0.98.79:8056' },
  };
  writeFileSync(file, JSON.stringify([row]));
  const { conversations } = await json(...OWNED, '--sessions', file);
  assert.equal(conversations[0]?.match?.by[0], 'session');
});

test('a daemon’s socket tells its sessions as the file does', async () => {
  const row = {
    ...{ client: '10.0.88.100:21521', listener: '10.0.23.111:18056' },
    ...{ local: '10.0.124.161:5004', backend: '10.0.98.79:8056' },
  };
  const asked: (string | undefined)[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url);
    response.setHeader('content-type', 'application/json').end(JSON.stringify([row]));
  });
  const socket = join(folder, 'balancer.sock');
  await new Promise<void>((listening) => server.listen(socket, listening));
  try {
    const { conversations } = await json(...OWNED, '--sessions', socket);
    assert.equal(conversations[0]?.match?.by[0], 'session');
    assert.match(asked[0] ?? '', /^\/v1\/sessions/);
  } finally {
    server.close();
  }
});

test('gzip is told by the file and not by its name', async () => {
  const [word = ''] = OWNED;
  const plain = readFileSync(word.replace(/^.*=/, ''));
  const packed = join(folder, 'packed');
  writeFileSync(packed, gzipSync(plain));
  const { points } = await json(`client=${packed}`);
  assert.equal(points[0]?.packets, 12);
});

test('one pcapng of all points, comments on what belongs to a conversation', async () => {
  const file = join(folder, 'merged.pcapng');
  await fullnat('trace', ...OWNED, '-w', file);
  const reader = new CaptureReader();
  const comments: (string | undefined)[] = [];
  reader.push(readFileSync(file), ({ comment }) => void comments.push(comment));
  assert.deepEqual(
    reader.interfaces.map(({ name }) => name),
    ['client', 'host-nic', 'host-vnic', 'server'],
  );
  assert.equal(comments.length, 4 * 9 + 2 * 3);
  assert.equal(
    comments.filter((text) => text?.endsWith('= 10.0.124.161:5004 > 10.0.98.79:8056')).length,
    6,
  );
});

test('a page without script or network', async () => {
  const file = join(folder, 'trace.html');
  await fullnat('trace', ...OWNED, '--html', file);
  const page = readFileSync(file, 'utf8');
  assert.match(page, /<svg[^]*3171571935/);
  assert.doesNotMatch(page, /<script|https?:\/\//);
});

const MISTAKES = [
  { words: 'c=/does/not/exist', code: 1, says: /exist could not be read: ENOENT/ },
  { words: 'a=- b=-', code: 2, says: /standard input can be one capture point only/ },
  { words: `a=${OWNED[0]?.split('=')[1]} a=x`, code: 2, says: /two capture points are called `a`/ },
  { words: 'a=- -w x', code: 2, says: /reads the files twice/ },
  { words: `a=/etc/passwd`, code: 1, says: /this is not a pcap file[^]*none of the files/ },
];
for (const { words, code, says } of MISTAKES) {
  test(`${says.source}: exit code ${code}`, async () => {
    const result = await fullnat('trace', ...words.split(' '));
    assert.equal(result.code, code);
    assert.match(result.stderr, says);
  });
}

async function json(...words: string[]): Promise<TraceJson> {
  const { stdout } = await fullnat('trace', ...words, '--json');
  return TRACE_SCHEMA.parse(JSON.parse(stdout));
}

async function fullnat(...words: string[]) {
  const { context, stdout, stderr } = recordedContext();
  const code = await run(REGISTRY, words, context);
  return { code, stdout: stdout(), stderr: stderr() };
}

function save(name: string, files: Record<string, Uint8Array>): string[] {
  return Object.entries(files).map(([point, bytes]) => {
    const path = join(folder, `${name}-${point}.pcap`);
    writeFileSync(path, bytes);
    return `${point}=${path}`;
  });
}
