import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify, labelOf, type Ending, type Label } from './outcome.ts';

const refused = (code: string, at: 'bind' | 'connect' = 'connect'): Ending => ({
  kind: 'refused-by-kernel',
  code,
  at,
});

const rows: readonly { name: string; ending: Ending; durationMs: number; label: Label }[] = [
  { name: 'a handshake at once', ending: { kind: 'connected' }, durationMs: 0.3, label: 'open' },
  { name: 'a slow round trip', ending: { kind: 'connected' }, durationMs: 899, label: 'open' },
  {
    name: 'the SYN was sent again',
    ending: { kind: 'connected' },
    durationMs: 1_003,
    label: 'late',
  },
  { name: 'RST', ending: refused('ECONNREFUSED'), durationMs: 1, label: 'closed' },
  {
    name: 'a RST to the second SYN',
    ending: refused('ECONNREFUSED'),
    durationMs: 1_003,
    label: 'closed',
  },
  { name: 'nothing came', ending: { kind: 'timeout' }, durationMs: 3_000, label: 'silent' },
  {
    name: 'the kernel gave up first',
    ending: refused('ETIMEDOUT'),
    durationMs: 130_000,
    label: 'silent',
  },
  {
    name: 'ICMP host unreachable, or prohibited',
    ending: refused('EHOSTUNREACH'),
    durationMs: 1,
    label: 'icmp',
  },
  { name: 'no route', ending: refused('ENETUNREACH'), durationMs: 0, label: 'icmp' },
  { name: 'a prohibiting route', ending: refused('EACCES'), durationMs: 0, label: 'icmp' },
  {
    name: 'ICMP protocol unreachable',
    ending: refused('ENOPROTOOPT'),
    durationMs: 1,
    label: 'icmp',
  },
  {
    name: 'the tuple is in use here',
    ending: refused('EADDRNOTAVAIL'),
    durationMs: 0,
    label: 'local-port-busy',
  },
  {
    name: 'the port is in use here',
    ending: refused('EADDRINUSE'),
    durationMs: 0,
    label: 'local-port-busy',
  },
  {
    name: 'the port is in use here, said by bind',
    ending: refused('EADDRINUSE', 'bind'),
    durationMs: 0,
    label: 'local-port-busy',
  },
  {
    name: 'the source is nobody of this machine',
    ending: refused('EADDRNOTAVAIL', 'bind'),
    durationMs: 0,
    label: 'error',
  },
  {
    name: 'a privileged source port',
    ending: refused('EACCES', 'bind'),
    durationMs: 0,
    label: 'error',
  },
  { name: 'out of descriptors', ending: refused('EMFILE'), durationMs: 0, label: 'error' },
];

for (const { name, ending, durationMs, label } of rows)
  test(`${name} is ${label}`, () => {
    assert.equal(labelOf(classify(ending, durationMs)), label);
  });
