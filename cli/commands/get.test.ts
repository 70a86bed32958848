import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { COLOURED } from '../output/style.ts';
import { allCommands } from '../registry.ts';
import { run } from '../run.ts';
import { recordedContext } from '../testing.ts';

const REGISTRY = await allCommands();

const directory = mkdtempSync(join(tmpdir(), 'fullnat-get-'));
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true });
});

const traffic = {
  live: 2,
  connections: 20_000,
  packetsIn: 9,
  bytesIn: 1_536,
  packetsOut: 8,
  bytesOut: 0,
};
const DATA: Readonly<Record<string, readonly object[]>> = {
  backends: [
    {
      pool: 'web',
      name: 'server1',
      address: '10.0.98.79:8056',
      weight: 3,
      state: 'up',
      since: '2026-01-01T00:00:00Z',
      reason: 'connected',
      ...traffic,
    },
    {
      pool: 'web',
      name: 'server2',
      address: '10.0.98.80:8056',
      weight: 1,
      state: 'down',
      since: '2026-01-01T00:00:00Z',
      reason: 'ECONNREFUSED',
      checkedAt: '2026-01-01T00:01:00Z',
      checkResult: 'timeout',
      checkSeconds: 0.2004,
      ...traffic,
    },
  ],
  listeners: [
    {
      name: 'web',
      address: '10.0.23.111:18056',
      pool: 'web',
      toa: 'syn',
      opening: 3,
      synProtection: 'auto',
      synCookies: false,
      backendsUp: 1,
      backendsTotal: 2,
      refused: 0,
      toaInserted: 20_000,
      toaNotInserted: 0,
      toaAnnounced: 0,
      toaNotDelivered: 0,
      ...traffic,
    },
  ],
  sessions: [
    {
      client: '10.0.88.100:21521',
      listener: '10.0.23.111:18056',
      local: '10.0.124.161:5004',
      backend: '10.0.98.79:8056',
      state: 'established',
      kind: 'balanced',
      idleSeconds: 3,
      ageSeconds: 3_725,
      flags: [],
      packetsIn: 4,
      bytesIn: 400,
      packetsOut: 3,
      bytesOut: 300,
    },
    {
      peer: '10.0.88.100:46690',
      local: null,
      server: '10.0.98.79:8056',
      visible: '10.0.88.100:46690',
      state: 'established',
      kind: 'direct',
      idleSeconds: 0,
      ageSeconds: 12,
    },
  ],
  drops: [],
  events: [{ time: '2026-01-01T00:00:00Z', type: 'backend-down', backend: 'server2\u001b[2J' }],
};

const rows: readonly { name: string; line: string; says: string }[] = [
  {
    name: 'a table has aligned columns',
    line: 'get backends',
    says: `POOL  NAME     ADDRESS          WEIGHT  STATE  LIVE  CONNECTIONS       IN  OUT  REASON
web   server1  10.0.98.79:8056       3  up        2        20000  1.5 KiB  0 B  connected
web   server2  10.0.98.80:8056       1  down      2        20000  1.5 KiB  0 B  ECONNREFUSED
`,
  },
  {
    name: 'wide shows all',
    line: 'get listeners -o wide',
    says: `NAME  ADDRESS            POOL  UP   LIVE  CONNECTIONS  PACKETS IN       IN  PACKETS OUT  OUT  REFUSED  HALF-OPEN  SYN COOKIES    TOA  TOA INSERTED  TOA NOT INSERTED  TOA ANNOUNCED  TOA NOT DELIVERED
web   10.0.23.111:18056  web   1/2     2        20000           9  1.5 KiB            8  0 B        0          3  auto: not now  syn         20000                 0              0                  0
`,
  },
  {
    name: 'wide tells of the last check of each backend',
    line: 'get backends -o wide',
    says: `POOL  NAME     ADDRESS          WEIGHT  STATE  LIVE  CONNECTIONS  PACKETS IN       IN  PACKETS OUT  OUT  SINCE                 CHECKED               RESULT    TOOK  REASON
web   server1  10.0.98.79:8056       3  up        2        20000           9  1.5 KiB            8  0 B  2026-01-01T00:00:00Z  -                     -            -  connected
web   server2  10.0.98.80:8056       1  down      2        20000           9  1.5 KiB            8  0 B  2026-01-01T00:00:00Z  2026-01-01T00:01:00Z  timeout  200ms  ECONNREFUSED
`,
  },
  {
    name: "balancer's and agent's sessions are two tables",
    line: 'get sessions',
    says: `CLIENT             LISTENER           LOCAL              BACKEND          STATE        IDLE   AGE     IN    OUT
10.0.88.100:21521  10.0.23.111:18056  10.0.124.161:5004  10.0.98.79:8056  established    3s  1h2m  400 B  300 B

PEER               LOCAL  SERVER SEES        SERVER           STATE        IDLE  AGE
10.0.88.100:46690  -      10.0.88.100:46690  10.0.98.79:8056  established    0s  12s
`,
  },
  {
    name: 'names, for describe and for scripts',
    line: 'get backends -o name',
    says: 'web/10.0.98.79:8056\nweb/10.0.98.80:8056\n',
  },
  {
    name: 'JSON lines: a row each',
    line: 'get events -o jsonl',
    says: '{"time":"2026-01-01T00:00:00Z","type":"backend-down","backend":"server2\\u001b[2J"}\n',
  },
  { name: 'no rows: nothing on stdout', line: 'get drops', says: '' },
  { name: 'no rows as JSON: an empty list', line: 'get drops -o json', says: '[]\n' },
  {
    name: 'JSON is what the daemon said',
    line: 'get events -o json',
    says: `${JSON.stringify(DATA['events'], null, 2)}\n`,
  },
  {
    name: 'YAML',
    line: 'get events -o yaml',
    says: '- time: 2026-01-01T00:00:00Z\n  type: backend-down\n  backend: "server2\\e[2J"\n',
  },
  {
    name: 'control characters from elsewhere do not reach the terminal',
    line: 'get events',
    says: 'TIME                  TYPE          DETAILS\n2026-01-01T00:00:00Z  backend-down  backend=server2?[2J\n',
  },
];

for (const { name, line, says } of rows)
  test(name, async () => {
    const socket = await daemon();
    const { exit, stdout } = await fullnat(`${line} --socket ${socket}`);
    assert.equal(stdout, says);
    assert.equal(exit, 0);
  });

test('on a terminal states are coloured', async () => {
  const recorded = recordedContext({ isTerminal: true, style: COLOURED });
  await run(REGISTRY, ['get', 'backends', '--socket', await daemon()], recorded.context);
  assert.ok(recorded.stdout().includes('\u001b[32mup   \u001b[0m'));
  assert.ok(recorded.stdout().includes('\u001b[31mdown \u001b[0m'));
});

test('watching on a terminal: no more lines than the screen has', async () => {
  const recorded = recordedContext({ isTerminal: true, rows: 3 });
  const done = run(
    REGISTRY,
    ['get', 'backends', '-w', '--socket', await daemon()],
    recorded.context,
  );
  while (recorded.stdout() === '') await new Promise((resolve) => setTimeout(resolve, 5));
  recorded.stop();
  assert.equal(await done, 0);
  assert.match(recorded.stdout(), /POOL .*\n… 2 more lines\n$/);
});

test('watching in a pipe: a line of JSON at once, and the end when stopped', async () => {
  const recorded = recordedContext();
  const socket = await daemon();
  const done = run(
    REGISTRY,
    ['get', 'events', '-w', '-o', 'json', '--socket', socket],
    recorded.context,
  );
  while (recorded.stdout() === '') await new Promise((resolve) => setTimeout(resolve, 5));
  recorded.stop();
  assert.equal(await done, 0);
  assert.equal(recorded.stdout(), `${JSON.stringify(DATA['events'])}\n`);
});

const failures: readonly {
  name: string;
  answer?: { status: number; body: string };
  says: RegExp;
}[] = [
  {
    name: 'the resource is unknown there',
    answer: { status: 404, body: '{}' },
    says: /knows no collisions; they are known to: agent/,
  },
  {
    name: 'the daemon says why it cannot',
    answer: { status: 500, body: '{"error":"map sessions is gone"}' },
    says: /answered 500: map sessions is gone/,
  },
  { name: 'the answer is not JSON', answer: { status: 200, body: '<html>' }, says: /not JSON/ },
  {
    name: 'the answer is not a list',
    answer: { status: 200, body: '{"a":1}' },
    says: /not a list of objects/,
  },
];

for (const { name, answer, says } of failures)
  test(`failure: ${name}`, async () => {
    const { exit, stdout, stderr } = await fullnat(
      `get collisions --socket ${await daemon(answer)}`,
    );
    assert.match(stderr, says);
    assert.equal(stdout, '');
    assert.equal(exit, 1);
  });

test('a list that is cut says so on stderr, and --limit is passed on', async () => {
  const path = join(directory, 'limited.sock');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { 'x-fullnat-total': '5' }).end('[{"client":"10.0.88.100:1"}]');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const { exit, stderr } = await fullnat(`get sessions --limit 1 --socket ${path}`);
  assert.deepEqual(asked, ['/v1/sessions?limit=1']);
  assert.equal(stderr, 'fullnat: 1 of 5 sessions shown; --limit 5 shows all\n');
  assert.equal(exit, 0);
});

test('filters are passed on; more rows than a daemon gives at a time are read page by page', async () => {
  const path = join(directory, 'paged.sock');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push(url);
    const more = url.includes('continue=')
      ? {}
      : { 'x-fullnat-continue': '7', 'x-fullnat-total': '2' };
    response.writeHead(200, more).end(`[{"client":"10.0.88.100:${asked.length}"}]`);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const { exit, stdout, stderr } = await fullnat(
    `get sessions --client 10.0.88.100 --min-age 5m --limit 20000 -o json --socket ${path}`,
  );
  const first = '/v1/sessions?client=10.0.88.100&minAge=5m&limit=2000';
  assert.deepEqual(asked, [first, `${first}&continue=7`]);
  assert.equal((JSON.parse(stdout) as unknown[]).length, 2);
  assert.deepEqual([stderr, exit], ['', 0]);
});

test('a filter that means nothing to the daemon is bad usage, and so is one of another list', async () => {
  const answer = { status: 400, body: `{"error":"parameter state: 'left' is none of opening"}` };
  const left = await fullnat(`get sessions --state left --socket ${await daemon(answer)}`);
  assert.deepEqual(
    [left.exit, left.stderr],
    [2, "fullnat: parameter state: 'left' is none of opening\n"],
  );
  const drops = await fullnat('get drops --min-age 5m');
  assert.match(drops.stderr, /--min-age is for sessions/);
  assert.equal(drops.exit, 2);
});

test('--limit where it means nothing is bad usage', async () => {
  const { exit, stderr } = await fullnat('get drops --limit 5');
  assert.match(stderr, /--limit is for sessions and clients/);
  assert.equal(exit, 2);
});

test('no daemon: which sockets were tried, and how to start one', async () => {
  const { exit, stderr } = await fullnat('get collisions --instance no-such-instance');
  assert.match(stderr, /no agent of instance "no-such-instance" is running/);
  assert.match(stderr, /\/run\/fullnat\/no-such-instance\/agent\.sock/);
  assert.match(stderr, /`fullnat agent -c FILE`/);
  assert.equal(exit, 1);
});

test('a socket without a daemon behind it', async () => {
  const path = join(directory, 'plain-file');
  writeFileSync(path, '');
  const { exit, stderr } = await fullnat(`get drops --socket ${path}`);
  assert.match(stderr, /no daemon listens on it: it was stopped or killed/);
  assert.equal(exit, 1);
});

async function fullnat(line: string): Promise<{ exit: number; stdout: string; stderr: string }> {
  const recorded = recordedContext();
  const exit = await run(REGISTRY, line.split(' '), recorded.context);
  return { exit, stdout: recorded.stdout(), stderr: recorded.stderr() };
}

async function daemon(always?: { status: number; body: string }): Promise<string> {
  const path = join(directory, `${servers.length}.sock`);
  const server = createServer((request, response) => {
    const name = (request.url ?? '').replace('/v1/', '');
    const answer = always ?? { status: 200, body: JSON.stringify(DATA[name] ?? []) };
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}
