/** Who comes in over TLS, as what, and who does not; with certificates made here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApiConfig } from '../config/api.ts';
import { TokenStore } from '../state/tokens.ts';
import { z } from 'zod';
import { admission } from './admit.ts';
import { createApp } from './app.ts';
import { bind, list } from './route.ts';
import { TlsDoor } from './tls-door.ts';

const folder = mkdtempSync(join(tmpdir(), 'fullnat-tls-'));
const at = (name: string) => join(folder, name);
const pem = (name: string) => readFileSync(at(name), 'utf8');
const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl';
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function openssl(...words: string[]): void {
  const { status, stderr } = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

function makeCertificate(name: string, subject: string): void {
  openssl(...key(name), '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
  openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '2'],
    ...['-CAcreateserial', '-extfile', 'names', '-out', `${name}.crt`],
  );
}

const key = (name: string) => [
  ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
  ...['-keyout', `${name}.key`],
];

describe('the API over TLS', { skip }, () => {
  const tokens = new TokenStore(folder, Date.now);
  let api: ApiConfig;
  const plain = list('plain', 'One row', z.object({}), {});
  const asked: string[] = [];
  const app = createApp(
    bind({ plain }, { plain: ({ who }) => (asked.push(`${who.name} ${who.role}`), { rows: [] }) }),
    {
      onError: () => {},
      admit: admission({ tokens, api: () => api, nowMs: () => 0 }),
    },
  );
  const door = new TlsDoor({ app: Promise.resolve(app), tokens, log });

  before(() => {
    openssl(...key('ca'), '-x509', '-days', '2', '-out', 'ca.crt', '-subj', '/CN=ours');
    writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:lb1\n');
    for (const name of ['api', 'ops', 'guest']) makeCertificate(name, name);
    openssl(...key('stranger'), '-x509', '-days', '2', '-out', 'stranger.crt', '-subj', '/CN=ops');
    api = {
      ...{ listen: { host: '127.0.0.1', port: 0 }, hosts: ['lb1'] },
      ...{ certificate: at('api.crt'), key: at('api.key'), clientCa: at('ca.crt') },
      clients: [{ name: 'ops', role: 'admin' }],
    };
  });
  after(async () => {
    await door.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (
    headers: Readonly<Record<string, string>>,
    certificate?: string,
  ): Promise<{ status: number | undefined; error: string }> =>
    new Promise((resolve, reject) => {
      const shown =
        certificate === undefined
          ? {}
          : { cert: pem(`${certificate}.crt`), key: pem(`${certificate}.key`) };
      const { port } = door.address as AddressInfo;
      const sent = request(
        {
          host: '127.0.0.1',
          servername: 'lb1',
          port,
          path: '/v1/plain',
          ca: pem('ca.crt'),
          headers,
          agent: false,
          ...shown,
        },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => {
            const { error = '' } = JSON.parse(body) as { error?: string };
            resolve({ status: response.statusCode, error });
          });
        },
      );
      sent.on('error', reject);
      sent.end();
    });

  test('a door that nobody could come in by is not opened', () => {
    assert.throws(() => door.check({ ...api, clients: [] }), /nobody could come in; make a token/);
    assert.throws(() => door.check({ ...api, key: at('ops.key') }), /do not fit/);
    assert.throws(
      () => door.check({ ...api, certificate: at('none.crt') }),
      /api\.certificate: ENOENT/,
    );
  });

  test('a certificate or a token, and nothing else', async () => {
    await door.follow(api);
    const token = tokens.create({ name: 'anna', role: 'read', by: 'root', lifeMs: null });
    const bearing = (text: string) => ({ authorization: `Bearer ${text}` });
    assert.equal((await ask({}, 'ops')).status, 200);
    assert.equal((await ask(bearing(token))).status, 200);
    assert.deepEqual(asked, ['certificate ops admin', 'token anna read']);
    assert.match((await ask({})).error, /show a token/);
    assert.match((await ask({}, 'guest')).error, /'guest' has no role/);
    assert.match((await ask({}, 'stranger')).error, /not signed by api.clientCa/);
    assert.match((await ask(bearing(`${token}x`))).error, /unknown, expired or revoked/);
    assert.match((await ask({ authorization: 'Basic YW5uYTphbm5h' })).error, /unknown, expired/);
    tokens.revoke('anna');
    assert.equal((await ask(bearing(token))).status, 401);
    assert.equal(asked.length, 2, 'nobody else came in');
  });

  test('under its own names only', async () => {
    assert.equal((await ask({ host: 'lb1:9443' }, 'ops')).status, 200);
    assert.equal((await ask({ host: 'evil.example' }, 'ops')).status, 421);
  });

  test('who guesses is told to wait', async () => {
    const wrong = { authorization: 'Bearer fnt_guess' };
    const statuses = new Set<number | undefined>();
    for (let i = 0; i < 20; i++) statuses.add((await ask(wrong)).status);
    assert.deepEqual([...statuses], [401, 429]);
    assert.equal((await ask({}, 'ops')).status, 200, 'who may come in does');
  });
});
