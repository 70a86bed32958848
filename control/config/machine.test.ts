import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { endianness } from 'node:os';
import { test } from 'node:test';
import { formatEndpoint } from '../../packet/address.ts';
import { readInterfaces, readListening, thisMachine } from './machine.ts';

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0
   1: 0000000000000000FFFF0000A17C000A:1388 00000000000000000000000000000000:0000 0A 0:0
   2: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0:0
`;
const skip = endianness() === 'LE' ? false : 'the samples are of a little-endian machine';

const rows = [
  {
    name: 'listening sockets of tcp, not connections',
    text: TCP,
    expect: ['127.0.0.1:8080', '0.0.0.0:22'],
  },
  {
    name: 'of tcp6: `::` takes IPv4 too, mapped addresses are IPv4, ::1 is not',
    text: TCP6,
    expect: ['0.0.0.0:80', '10.0.124.161:5000'],
  },
  { name: 'nothing', text: '', expect: [] },
];

for (const { name, text, expect } of rows)
  test(name, { skip }, () => {
    assert.deepEqual(readListening(text).map(formatEndpoint), expect);
  });

test('interfaces are the names before the colon', () => {
  const text = 'Inter-|   Receive\n face |bytes\n    lo: 1 2\n vnet1:0 0\n';
  assert.deepEqual(readInterfaces(text), ['lo', 'vnet1']);
});

test('this machine: lo is there, and a socket that listens is found', async () => {
  assert.ok(thisMachine.interfaces().includes('lo'));
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const found = thisMachine.listeningSockets().map(formatEndpoint);
    assert.ok(found.includes(`127.0.0.1:${address.port}`), found.join(' '));
  } finally {
    server.close();
  }
});
