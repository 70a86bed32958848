/** What socket mode writes to its maps, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipEndpoint, ipRange } from '../../../packet/ip.ts';
import type { Endpoint6, Prefix6, SocketSettings } from '../../../datapath/binding/contract.ts';
import { MemoryList, MemoryTable, type Journal } from '../../testdata/memory-maps.ts';
import { applySocketAgent } from './tables.ts';

const CGROUP = 77n;

function memory() {
  const journal: Journal = [];
  const none: SocketSettings = { cgroup: CGROUP, serversOnly: 0 };
  const maps = {
    socketSettings: new MemoryList<SocketSettings>('settings', journal, 1, none),
    socketTrusted: new MemoryTable<Prefix6, number>('trusted', journal),
    socketServers: new MemoryTable<Endpoint6, number>('servers', journal),
  };
  return { maps, journal };
}

function apply({ maps, journal }: ReturnType<typeof memory>, servers: string[], trusted: string) {
  journal.length = 0;
  applySocketAgent(maps, {
    ...{ role: 'agent', mode: 'socket', instance: 'test' },
    trustedLocals: [ipRange(trusted)],
    servers: servers.map((text) => ({ address: ipEndpoint(text) })),
  });
  return journal.map((line) => line.split(' ')[0] ?? '');
}

test('without servers, all are covered; the cgroup stays as it is', () => {
  const its = memory();
  apply(its, [], '10.0.124.160/28');
  assert.deepEqual(its.maps.socketSettings.get(0), { cgroup: CGROUP, serversOnly: 0 });
  assert.deepEqual(
    [...its.maps.socketTrusted.keys()],
    [{ bits: 124, addr: ipRange('10.0.124.160').first }],
  );
});

test('servers are listed before only they count, and all count before they are removed', () => {
  const its = memory();
  const narrowed = apply(its, ['10.0.98.79:8056'], '10.0.124.160/28');
  assert.ok(narrowed.indexOf('servers') < narrowed.indexOf('settings'), narrowed.join(', '));
  assert.equal(its.maps.socketSettings.get(0).serversOnly, 1);
  const widened = apply(its, [], '10.0.124.160/28');
  assert.ok(widened.indexOf('settings') < widened.indexOf('servers'));
  assert.deepEqual([...its.maps.socketServers.keys()], []);
});

test('who is no longer trusted goes last', () => {
  const its = memory();
  apply(its, [], '10.0.124.160/28');
  apply(its, [], '10.0.124.161');
  assert.match(its.journal.at(-1) ?? '', /^trusted -/);
  assert.deepEqual(
    [...its.maps.socketTrusted.keys()],
    [{ bits: 128, addr: ipRange('10.0.124.161').first }],
  );
});
