/** Attaching and detaching on real interfaces, in a network namespace that ends with the test. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { attach, detach, detachInstance, type Attachment, type Detached } from './attach.ts';
import { addCounters, PerCpuArray } from './map.ts';
import { listPins } from './pins.ts';
import { attachedProgramId, interfaceNamed } from './tc.ts';
import { compileTrial, lacksBpf } from './testdata/compile.ts';
import { loadTrial, sums, testInstance } from './testdata/instance.ts';

const THIS_FILE = fileURLToPath(import.meta.url);
const ATTACH_MODULE = new URL('attach.js', import.meta.url).href;
const NOTHING: Detached = {
  ...{ filters: [], qdiscs: [], links: 0, pins: 0, sessionsEnded: 0, elsewhere: [] },
};
const lacksUnshare = spawnSync('unshare', ['--net', 'true']).status === 0 ? false : 'needs unshare';

if (process.env['FULLNAT_TEST_NAMESPACE'] === undefined)
  test('in a network namespace of its own', { skip: lacksBpf || lacksUnshare }, () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const inside = spawnSync('unshare', ['--net', process.execPath, THIS_FILE], {
      env: { ...env, FULLNAT_TEST_NAMESPACE: '1' },
      encoding: 'utf8',
    });
    assert.equal(inside.status, 0, inside.stdout + inside.stderr);
  });
else inside();

function inside(): void {
  before(() => {
    run('ip', 'link', 'set', 'lo', 'up');
    run('ip', 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right');
  });

  test('an attached program sees packets, also after its daemon has closed', async () => {
    const at = attachment('lo');
    const trial = await loadTrial(at.instance);
    const counters = new PerCpuArray(trial.map('counters'), sums, addCounters);
    await sendDatagram();
    assert.equal(counters.sum(0).packets, 0);
    attach(trial.program('watch'), at);
    await sendDatagram();
    assert.ok(counters.sum(0).packets > 0);
    trial.close();
    const hook = { interface: interfaceNamed('lo'), direction: 'ingress' as const };
    const first = attachedProgramId(hook);

    const next = await loadTrial(at.instance);
    attach(next.program('watch'), at);
    const second = attachedProgramId(hook);
    assert.ok(first !== undefined && second !== undefined && first !== second);
    assert.equal(filters('lo'), 1, 'replaced, not added');
    next.close();
    const removed = await detachInstance(at.instance);
    assert.deepEqual(removed, { ...NOTHING, filters: ['lo ingress'], qdiscs: ['lo'], pins: 8 });
    assert.ok(!hasClsact('lo'));
    assert.deepEqual(await detachInstance(at.instance), NOTHING);
  });

  test('a qdisc that was there before stays', async () => {
    run('tc', 'qdisc', 'add', 'dev', 'left', 'clsact');
    const at = attachment('left', 'egress');
    const trial = await loadTrial(at.instance);
    attach(trial.program('watch'), at);
    trial.close();
    assert.deepEqual((await detachInstance(at.instance)).qdiscs, []);
    assert.ok(hasClsact('left'));
  });

  test("another tool's filter stays, and the qdisc under it", async () => {
    const at = attachment('right');
    const trial = await loadTrial(at.instance);
    attach(trial.program('watch'), at);
    const object = compileTrial('trial');
    run(
      'tc',
      'filter',
      'add',
      'dev',
      'right',
      'ingress',
      'prio',
      '7',
      'bpf',
      'da',
      'object-file',
      object,
      'section',
      'tc',
    );
    trial.close();
    const removed = await detachInstance(at.instance);
    assert.deepEqual([removed.filters, removed.qdiscs], [['right ingress'], []]);
    assert.equal(filters('right'), 1);
  });

  test('one instance neither replaces nor takes off what another has attached', async () => {
    const [ours, theirs] = [attachment('left'), attachment('left')];
    const [one, other] = [await loadTrial(ours.instance), await loadTrial(theirs.instance)];
    attach(one.program('watch'), ours);
    assert.throws(() => attach(other.program('watch'), theirs), {
      code: 'BPF_BUSY',
      message: new RegExp(`ingress of left, where the balancer of instance ${ours.instance} is`),
    });
    assert.equal(detach(theirs), false);
    assert.deepEqual((await detachInstance(theirs.instance)).filters, []);
    assert.equal(detach(ours), true);
    assert.equal(detach(ours), false);
    one.close();
    other.close();
  });

  test('from another namespace nothing of an attached instance is removed', async () => {
    const at = attachment('lo');
    const trial = await loadTrial(at.instance);
    attach(trial.program('watch'), at);
    trial.close();
    const script = `import(${JSON.stringify(ATTACH_MODULE)}).then(async ({ detachInstance }) =>
      console.log(JSON.stringify(await detachInstance(${JSON.stringify(at.instance)}))))`;
    const output = execFileSync('unshare', ['--net', process.execPath, '-e', script], {
      encoding: 'utf8',
    });
    const said = JSON.parse(output) as Detached;
    assert.deepEqual({ ...said, elsewhere: [] }, NOTHING);
    assert.equal(said.elsewhere[0]?.role, 'balancer');
    assert.match(said.elsewhere[0]?.namespace ?? '', /^\/(proc|run)\//);
    assert.equal(listPins(at.instance, 'balancer').length, 8);
    assert.deepEqual((await detachInstance(at.instance)).filters, ['lo ingress']);
  });

  test('an interface that does not exist is named', async () => {
    const at = attachment('nosuch0');
    const trial = await loadTrial(at.instance);
    assert.throws(() => attach(trial.program('watch'), at), {
      code: 'BPF_NOT_FOUND',
      message: /cannot use network interface nosuch0/,
    });
    trial.close();
  });
}

function attachment(name: string, direction: Attachment['direction'] = 'ingress'): Attachment {
  return { instance: testInstance(), role: 'balancer', interface: name, direction };
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' });
}

function filters(name: string): number {
  const shown = run('tc', 'filter', 'show', 'dev', name, 'ingress');
  return shown.split('\n').filter((line) => line.includes('handle')).length;
}

function hasClsact(name: string): boolean {
  return run('tc', 'qdisc', 'show', 'dev', name).includes('clsact');
}

async function sendDatagram(): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.send('hello', 9, '127.0.0.1', () => resolve()));
  await sleep(20);
  socket.close();
}
