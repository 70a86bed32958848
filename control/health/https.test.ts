/** The check over TLS: which name is asked for, and which certificates are believed. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { HttpCheck } from '../config/health.ts';

const folder = mkdtempSync(join(tmpdir(), 'fullnat-https-'));
const at = (name: string) => join(folder, name);
const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl';
const CHECK: HttpCheck = { method: 'GET', path: '/', statuses: [{ low: 200, high: 299 }] };
const TIMEOUT_MS = 20_000;
const URL_OF_CHECK = new URL('http.js', import.meta.url).href;
const URL_OF_ADDRESS = new URL('../../packet/address.js', import.meta.url).href;
/** In a process of its own: whom it believes is settled when it starts. */
const PROGRAM = `
const [check, target, timeoutMs] = process.argv.slice(1);
const { httpConnector } = await import('${URL_OF_CHECK}');
const { endpoint } = await import('${URL_OF_ADDRESS}');
const never = new AbortController().signal;
const result = await httpConnector(JSON.parse(check))(endpoint(target), Number(timeoutMs), never);
console.log(JSON.stringify(result));
`;

describe('https', { skip }, () => {
  let server: Server;
  let asked: string | false | null = null;
  before(async () => {
    const { status, stderr } = spawnSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
        ...['-keyout', at('key'), '-out', at('crt'), '-days', '2', '-subj', '/CN=web.example'],
        ...['-addext', 'subjectAltName=DNS:web.example'],
      ],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    server = createServer({ key: readFileSync(at('key')), cert: readFileSync(at('crt')) });
    server.on('request', ({ socket }, response) => {
      asked = (socket as TLSSocket).servername;
      response.end('hello');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const rows: {
    name: string;
    tls: NonNullable<HttpCheck['tls']>;
    believes?: boolean;
    expect: object;
    sni?: string | false;
  }[] = [
    {
      name: 'unverified, and no name asked for',
      tls: { verify: false },
      expect: { ok: true },
      sni: false,
    },
    {
      name: 'unverified, with a name',
      tls: { verify: false, serverName: 'other.example' },
      expect: { ok: true },
      sni: 'other.example',
    },
    {
      name: 'of nobody whom the system believes',
      tls: { verify: true, serverName: 'web.example' },
      expect: { ok: false, reason: 'certificate is self-signed' },
    },
    {
      name: 'believed, and of that name',
      tls: { verify: true, serverName: 'web.example' },
      believes: true,
      expect: { ok: true },
      sni: 'web.example',
    },
    {
      name: 'believed, and of another name',
      tls: { verify: true, serverName: 'other.example' },
      believes: true,
      expect: { ok: false, reason: 'certificate is for another name' },
    },
  ];

  for (const { name, tls, believes = false, expect, sni } of rows)
    test(name, async () => {
      asked = null;
      const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const words = [JSON.stringify({ ...CHECK, tls }), target, String(TIMEOUT_MS)];
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '-e', PROGRAM, '--', ...words],
        { env: { ...process.env, ...(believes ? { NODE_EXTRA_CA_CERTS: at('crt') } : {}) } },
      );
      assert.deepEqual(JSON.parse(stdout), expect);
      assert.equal(asked, sni ?? null);
    });
});
