/** Which engine `auto` takes, and that it says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import { BpfError, type BpfFailure } from '../../datapath/binding/errors.ts';
import type { BalancerConfig, EngineKind } from '../config/balancer.ts';
import { configOf } from '../testdata/balancer.ts';
import type { Engine } from './engine.ts';
import { openEngine, refuseOtherEngine, type Engines } from './open-engine.ts';

const WEB = configOf({
  listeners: { '10.0.23.111:18056': 'web' },
  pools: { web: { '10.0.98.79:8056': 1 } },
});
const call = { operation: 'load', subject: 'balancer.bpf.o' };

async function opened(config: BalancerConfig, failure?: BpfFailure) {
  const said: string[] = [];
  const keep = (_: object, message: string) => void said.push(message);
  const log = { debug: keep, info: keep, warn: keep, error: keep };
  const engine = (kind: EngineKind) => ({ kind }) as Engine;
  const engines: Engines = {
    kernel: async () => {
      if (failure !== undefined) throw new BpfError(failure);
      return engine('ebpf');
    },
    proxy: () => engine('proxy'),
  };
  const { kind } = await openEngine(config, log, engines);
  return { kind, said };
}

const auto: BalancerConfig = { ...WEB, engine: 'auto' };
const rows: [name: string, config: BalancerConfig, BpfFailure | undefined, string][] = [
  [
    'here it can run',
    auto,
    undefined,
    'engine auto: ebpf, because this machine and these rights can run its programs',
  ],
  [
    'no rights',
    auto,
    { code: 'BPF_NOT_PERMITTED', ...call },
    'engine auto: proxy, because not permitted to load balancer.bpf.o',
  ],
  [
    'a kernel that refuses the programs',
    auto,
    { code: 'BPF_VERIFIER_REJECTED', object: 'balancer.bpf.o', log: ['1: r0 = 0'] },
    "engine auto: proxy, because the kernel's verifier rejected balancer.bpf.o",
  ],
  [
    'no interface',
    { ...auto, interfaces: [] },
    undefined,
    'engine auto: proxy, because the file names no interfaces',
  ],
  [
    'loopback addresses',
    {
      ...auto,
      listeners: auto.listeners.map((one) => ({ ...one, address: endpoint('127.0.0.1:80') })),
    },
    undefined,
    "engine auto: proxy, because '127.0.0.1:80' is a loopback address, which never leaves a machine",
  ],
];

for (const [name, config, failure, line] of rows)
  test(name, async () => {
    const { kind, said } = await opened(config, failure);
    assert.deepEqual(said, [line]);
    assert.equal(kind, /auto: (\w+)/.exec(line)?.[1]);
  });

test('what a person must mend is not passed over: sessions in the kernel would be forgotten', async () => {
  const failure = { instance: 'web', sessions: 3, map: 'sessions', pinned: 1, wanted: 2 };
  await assert.rejects(opened(auto, { code: 'BPF_CAPACITY_CHANGED', ...failure }), {
    code: 'BPF_CAPACITY_CHANGED',
  });
});

test('ebpf and proxy are not chosen but obeyed', async () => {
  const denied: BpfFailure = { code: 'BPF_NOT_PERMITTED', ...call };
  await assert.rejects(opened(WEB, denied), { code: 'BPF_NOT_PERMITTED' });
  assert.deepEqual(await opened({ ...WEB, engine: 'proxy' }), { kind: 'proxy', said: [] });
});

test('the engine stays as long as the daemon', () => {
  refuseOtherEngine(WEB, { ...WEB, interfaces: [] });
  assert.throws(() => refuseOtherEngine(WEB, auto), /says auto, this daemon began with ebpf/);
});
