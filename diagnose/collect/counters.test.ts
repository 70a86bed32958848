import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counterChanges, parseCounters } from './counters.ts';

test('counters are read by column, and only changes are told', () => {
  const text = (retransmitted: number) =>
    `Tcp: RtoAlgorithm MaxConn RetransSegs\nTcp: 1 -1 ${retransmitted}\n` +
    `TcpExt: SyncookiesSent TCPSynRetrans\nTcpExt: 0 ${retransmitted * 2}\n`;
  const before = parseCounters(text(1));
  assert.equal(before.get('TcpMaxConn'), -1n);
  assert.deepEqual(
    [...counterChanges(before, parseCounters(text(4)))],
    [
      ['TcpRetransSegs', 3n],
      ['TcpExtTCPSynRetrans', 6n],
    ],
  );
});
