/** Drains and removals with real connections: the old ones live, new ones go elsewhere, and at the end both ends hear of it. */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { BackendRow, BalancerSessionRow } from '../../control/api/rows.ts';
import { balancerConfig } from '../config.ts';
import { daemonStatus } from '../daemons.ts';
import { openLab, type Lab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { runProgram, waitUntil } from '../process.ts';
import { openConnections } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf } from './machine.ts';

const instance = 'u-drain';
const LISTENER = '10.0.23.111:18056';
const PATIENCE_MS = 20_000;
const SERVERS = { '10.0.98.79:8056': 'server1', '10.0.98.80:8056': 'server2' } as const;
const FULLNAT = join(import.meta.dirname, '../../cli/main.js');
/** Connects, asks again and again when told to, and says how it ended. */
const HELD = `
const [asks] = process.argv.slice(1);
const socket = require('net').connect(18056, '10.0.23.111');
let answers = 0;
socket.on('connect', () => console.log('open ' + socket.localPort));
socket.on('data', () => (answers += 1));
const ask = () => socket.write('GET / HTTP/1.1\\r\\nHost: lab\\r\\n\\r\\n');
if (asks === 'asks') setInterval(ask, 50);
socket.on('error', ({ code }) => { console.log('end ' + code + ' ' + answers); process.exit(); });
`;

/** Answers health checks by what its file says at that moment. */
const READINESS = `
const [file] = process.argv.slice(1);
const { readFileSync } = require('fs');
const answer = (_, response) => response.end(readFileSync(file));
require('http').createServer(answer).listen(9001, () => console.log('listening'));
`;

type Held = {
  child: ChildProcess;
  said: () => string;
  port: string;
  backend: keyof typeof SERVERS;
};

describe('drains', { skip: reasonToSkip(), timeout: 90_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-drain-'));
  const config = join(folder, 'balancer.yaml');
  const write = (change: (file: ReturnType<typeof fileOf>) => void) => {
    const file = fileOf();
    change(file);
    writeFileSync(config, stringify(file));
  };
  before(() => {
    write(() => {});
    return up({ instance, config });
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  test('a drained backend keeps its connection, gets no other, and at the end both ends are reset', async () => {
    const lab = openLab(instance);
    const held = await hold(lab, 'asks');
    const answered = async () => (await sessionOf(held))?.packetsOut ?? 0;
    const { stdout } = await fullnat('drain', held.backend, '--for', '3s');
    assert.match(stdout, new RegExp(`^web ${held.backend}: drained until .*; then reset\n$`));
    const already = await answered();
    const { answers } = await openConnections(lab, 'client2', { target: LISTENER, count: 10 });
    assert.deepEqual(Object.keys(answers), [other(held.backend)], 'new ones go to the other');
    assert.ok(await waitUntil(async () => (await answered()) > already, { timeoutMs: 2_500 }));
    assert.deepEqual(await stateOf(held.backend), ['draining', 1]);
    await endsWithReset(lab, held);
    assert.deepEqual(await stateOf(held.backend), ['disabled', 0]);
    await fullnat('undrain', held.backend);
    assert.equal((await stateOf(held.backend))[0], 'up');
  });

  test('a backend that leaves the file: a silent connection is reset at both ends when its time is over', async () => {
    const lab = openLab(instance);
    const held = await hold(lab, 'silent');
    write(({ pools: [web] }) => {
      if (web === undefined) return;
      web.backends = web.backends.filter(({ address }) => address !== held.backend);
    });
    const { pid } = await daemonStatus(instance, 'balancer');
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGHUP');
    await endsWithReset(lab, held);
    const { answers } = await openConnections(lab, 'client2', { target: LISTENER, count: 5 });
    assert.deepEqual(Object.keys(answers), [other(held.backend)]);
  });

  test('a check whose body turns: new ones go elsewhere, live ones are reset; and it comes back', async () => {
    const lab = openLab(instance);
    const fileOfServer = (server: string) => join(folder, server);
    const servers = Object.values(SERVERS).map((server) => {
      writeFileSync(fileOfServer(server), 'ready');
      const words = [process.execPath, '-e', READINESS, fileOfServer(server)];
      return lab.spawn(server, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    });
    try {
      for (const { stdout } of servers) if (stdout !== null) await once(stdout, 'data');
      write(({ pools }) => {
        for (const pool of pools) {
          const timing = { interval: '400ms', timeout: '400ms', rise: 1, fall: 3 };
          pool.health = { http: { body: 'ready' }, port: 9001, ...timing };
          pool.onDown = 'reset';
        }
      });
      await fullnat('apply', '-f', config);
      for (const backend of Object.keys(SERVERS)) await becomes(backend, 'up', 'ok');
      const held = await hold(lab, 'asks');
      writeFileSync(fileOfServer(SERVERS[held.backend]), 'ill');
      await becomes(held.backend, 'down', 'body does not match');
      await endsWithReset(lab, held);
      const { answers } = await openConnections(lab, 'client2', { target: LISTENER, count: 10 });
      assert.deepEqual(Object.keys(answers), [other(held.backend)], 'new ones go to the other');
      writeFileSync(fileOfServer(SERVERS[held.backend]), 'ready');
      await becomes(held.backend, 'up', 'ok');
      const isBack = async () => {
        const again = await openConnections(lab, 'client2', { target: LISTENER, count: 10 });
        return Object.keys(again.answers).length === 2;
      };
      assert.ok(await waitUntil(isBack, { timeoutMs: PATIENCE_MS }), 'it is used again');
    } finally {
      for (const server of servers) server.kill();
    }
  });

  /** The lab's file, with a drain of two seconds. */
  function fileOf() {
    const file = parse(balancerConfig(labOptions({ instance }))) as {
      pools: {
        backends: { address: string }[];
        drain?: object;
        health?: object;
        onDown?: string;
      }[];
    };
    for (const pool of file.pools) pool.drain = { for: '2s', afterwards: 'reset' };
    return file;
  }
});

async function hold(lab: Lab, how: 'asks' | 'silent'): Promise<Held> {
  const child = lab.spawn('client', [process.execPath, '-e', HELD, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  assert.ok(await waitUntil(() => said.startsWith('open '), { timeoutMs: PATIENCE_MS }));
  const port = /open (\d+)/.exec(said)?.[1] ?? '';
  const session = await sessionOf({ port });
  assert.ok(session);
  const backend = session.backend as keyof typeof SERVERS;
  return { child, said: () => said, port, backend };
}

/** The client is told, and the server's kernel has the connection no longer. */
async function endsWithReset(lab: Lab, { said, port, backend }: Held): Promise<void> {
  const ended = await waitUntil(() => said().includes('end '), { timeoutMs: PATIENCE_MS });
  assert.ok(ended, 'the client was told nothing');
  assert.match(said(), /end ECONNRESET/);
  const filter = ['-Htn', 'state', 'established', `( dport = :${port} )`];
  const isGone = async () =>
    (await lab.run(SERVERS[backend], ['ss', ...filter])).stdout.trim() === '';
  assert.ok(await waitUntil(isGone, { timeoutMs: PATIENCE_MS }), 'the server was told nothing');
}

async function sessionOf({ port }: { port: string }): Promise<BalancerSessionRow | undefined> {
  const rows = await rowsOf<BalancerSessionRow>(instance, 'balancer', 'sessions');
  return rows.find(({ client }) => client.endsWith(`:${port}`));
}

async function stateOf(backend: string): Promise<[state: string, live: number]> {
  const rows = await rowsOf<BackendRow>(instance, 'balancer', 'backends');
  const row = rows.find(({ address }) => address === backend);
  return [row?.state ?? 'gone', row?.live ?? -1];
}

async function becomes(backend: string, state: string, checkResult: string): Promise<void> {
  const isSo = async () => {
    const rows = await rowsOf<BackendRow>(instance, 'balancer', 'backends');
    const row = rows.find(({ address }) => address === backend);
    return row?.state === state && row.checkResult === checkResult;
  };
  assert.ok(
    await waitUntil(isSo, { timeoutMs: PATIENCE_MS }),
    `${backend} is ${state}: ${checkResult}`,
  );
}

function other(backend: keyof typeof SERVERS): string {
  return backend === '10.0.98.79:8056' ? 'server2' : 'server1';
}

async function fullnat(...words: string[]) {
  const ran = await runProgram([process.execPath, FULLNAT, ...words, '--instance', instance]);
  assert.equal(ran.code, 0, ran.stderr);
  return ran;
}
