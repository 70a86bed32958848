/** What `get clients` says of what the kernel wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { port } from '../../../packet/address.ts';
import { ipEndpoint, ipRange } from '../../../packet/ip.ts';
import { clientRecord, TICKS_MODULO, type Client } from '../../../datapath/binding/contract.ts';
import { ticksFromSeconds } from '../../../datapath/binding/sessions.ts';
import { clientRows } from './resources.ts';

const NOW = 5; /* ticks: just after they began anew */

function record(state: number, client: Partial<Client>): Buffer {
  const addr = ipRange('10.0.88.100').first;
  const [local, server] = [ipEndpoint('10.0.124.161:5004'), ipEndpoint('10.0.98.79:8056')];
  const since = (NOW - ticksFromSeconds(60) + TICKS_MODULO) % TICKS_MODULO;
  const base: Client = { addr, port: port(21_521), source: 'syn', since };
  return clientRecord.encode({
    client: { ...base, ...client },
    ...{ localAddr: local.address, localPort: local.port },
    ...{ serverAddr: server.address, serverPort: server.port },
    ...{ network: 4_026_531_840, state },
  });
}

test('one row a socket, with both its names', () => {
  const [row, ...others] = clientRows(record(1, {}), NOW);
  assert.ok(row !== undefined && others.length === 0);
  const { ageSeconds, ...rest } = row;
  assert.ok(ageSeconds > 59.9 && ageSeconds < 60.1, String(ageSeconds));
  assert.deepEqual(rest, {
    client: '10.0.88.100:21521',
    local: '10.0.124.161:5004',
    server: '10.0.98.79:8056',
    state: 'established',
    source: 'syn',
    namespace: 4_026_531_840,
  });
});

test('clients of IPv6, states by name, and nothing of a record cut off', () => {
  const addr = ipRange('2001:db8::7').first;
  const bytes = Buffer.concat([
    record(8, { addr, source: 'handshake' }),
    record(1, {}).subarray(1),
  ]);
  const rows = clientRows(bytes, NOW);
  assert.deepEqual(
    rows.map(({ client, state, source }) => [client, state, source]),
    [['[2001:db8::7]:21521', 'close-wait', 'handshake']],
  );
});
