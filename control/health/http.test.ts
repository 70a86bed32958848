/** The HTTP check on a server of this machine: what is well, and in which words something is not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ipv4Address, port } from '../../packet/address.ts';
import type { HttpCheck } from '../config/health.ts';
import { httpConnector } from './http.ts';

const CHECK: HttpCheck = { method: 'GET', path: '/', statuses: [{ low: 200, high: 299 }] };
const never = new AbortController().signal;

describe('http', () => {
  let asked = '';
  const answer: RequestListener = (request, response) => {
    const { url = '', method = '', headers } = request;
    asked = `${method} ${url} ${headers.host}`;
    if (url === '/silent') return;
    response.statusCode = url === '/sick' ? 503 : 200;
    response.end(url === '/ready' ? '{"status": "ready"}' : 'hello');
  };
  const server = createServer(answer);
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const ask = (check: Partial<HttpCheck>, timeoutMs = 5_000) => {
    const target = {
      address: ipv4Address('127.0.0.1'),
      port: port((server.address() as AddressInfo).port),
    };
    return httpConnector({ ...CHECK, ...check })(target, timeoutMs, never);
  };

  test('a status that is expected', async () => {
    assert.deepEqual(await ask({ method: 'HEAD', path: '/x', host: 'web.example' }), { ok: true });
    assert.equal(asked, 'HEAD /x web.example');
  });

  test('another status', async () => {
    assert.deepEqual(await ask({ path: '/sick' }), { ok: false, reason: 'status 503' });
    assert.deepEqual(await ask({ path: '/sick', statuses: [{ low: 503, high: 503 }] }), {
      ok: true,
    });
  });

  test('what the body says', async () => {
    const body = '"status": "ready"';
    assert.deepEqual(await ask({ path: '/ready', body }), { ok: true });
    assert.deepEqual(await ask({ body }), { ok: false, reason: 'body does not match' });
  });

  test('silence', async () => {
    assert.deepEqual(await ask({ path: '/silent' }, 50), { ok: false, reason: 'timeout' });
  });

  test('TLS is asked for, and there is none', async () => {
    const result = await ask({ tls: { verify: false } });
    assert.ok(!result.ok);
  });
});
