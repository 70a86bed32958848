import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipv4Address, type Ipv4Address } from '../../packet/index.ts';
import type { Log } from '../daemon/log.ts';
import { ListenerAddresses } from './listener-addresses.ts';

const WEB = ipv4Address('10.0.23.111');
const ROUTED = ipv4Address('192.0.2.1');

test('an address that goes and comes back is told once each; one that is routed here, never', () => {
  const said: string[] = [];
  const line = (_: object, message: string) => void said.push(message);
  const log: Log = { debug: line, info: line, warn: line, error: line };
  let here: readonly Ipv4Address[] = [WEB];
  const addresses = new ListenerAddresses({ here: () => here, log });
  const look = (times: number) => {
    for (let i = 0; i < times; i++) addresses.follow([WEB, WEB, ROUTED]);
  };
  look(2);
  here = [];
  look(3);
  here = [WEB];
  look(3);
  assert.deepEqual(said, [
    "a listener's address is on no interface that is up: its clients get no answer",
    "a listener's address is back",
  ]);
});
