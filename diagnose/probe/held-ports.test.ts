import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldText, parseHeld } from './held-ports.ts';

// /proc/net/tcp of an x86 machine: client 10.0.88.100:21521 (0x5411), a listener, TIME_WAIT.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:5411 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 6458000A:5411 4F62000A:1F78 01 00000000:00000000 02:00000B1F 00000000     0        0 2 2
   2: 6458000A:5411 5062000A:1F78 06 00000000:00000000 03:00000B1F 00000000     0        0 0 3
   3: 6458000A:5412 4F62000A:1F78 01 00000000:00000000 02:00000B1F 00000000     0        0 4 2
`;
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF00006458000A:5411 0000000000000000FFFF00004F62000A:1F78 08 0
   1: 00000000000000000000000001000000:5411 00000000000000000000000001000000:1F78 01 0
`;

const rows = [
  {
    name: 'connections from the port, live and resting, without listeners and other ports',
    text: TCP,
    expect: ['10.0.98.79:8056 (ESTABLISHED)', '10.0.98.80:8056 (TIME_WAIT)'],
  },
  {
    name: 'IPv4 over a socket of IPv6, and not IPv6 itself',
    text: TCP6,
    expect: ['10.0.98.79:8056 (CLOSE_WAIT)'],
  },
  { name: 'nothing', text: '', expect: [] },
];

for (const { name, text, expect } of rows)
  test(name, () => assert.deepEqual(parseHeld(text, 21_521).map(heldText), expect));
