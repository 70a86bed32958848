/** Socket mode's programs on cgroups that the test makes: attached, replaced, moved, removed. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { detachInstance } from './attach.ts';
import { attachToCgroup, uncoverPin, type CgroupHook } from './cgroup.ts';
import { cgroupId, cgroupRoot, isCgroup } from './cgroup-tree.ts';
import { pinIterator, runIterator } from './iterator.ts';
import { linkedCgroup } from './kernel-object.ts';
import { lib, type LinkFd } from './libbpf.ts';
import {
  insideNamespace,
  livingNamespaces,
  namespaceId,
  OWN_NAMESPACE,
} from './network-namespaces.ts';
import { loadObject, type LoadedObject } from './object.ts';
import { roleDirectory } from './pins.ts';
import { lacksBpf, ROOT } from './testdata/compile.ts';
import { SILENT } from './testdata/instance.ts';

const path = join(ROOT, 'dist/datapath/agent/socket.bpf.o');
const instance = `test-cgroup-${process.pid}`;
const root = cgroupRoot();
const lacks =
  lacksBpf ||
  (existsSync(path) ? false : `needs ${path} (npm run build)`) ||
  (root === undefined ? 'needs the v2 cgroup hierarchy' : false);
const [ONE, TWO] = ['one', 'two'].map((name) => `${root}/fullnat-${instance}-${name}`) as [
  string,
  string,
];
const HOOKS: readonly (readonly [CgroupHook, string])[] = [
  ['sockops', 'socket_events'],
  ['getpeername4', 'socket_peer4'],
  ['getpeername6', 'socket_peer6'],
];

describe('on a cgroup', { skip: lacks }, () => {
  before(() => [ONE, TWO].forEach((cgroup) => mkdirSync(cgroup)));
  after(async () => {
    await detachInstance(instance, ['socket']);
    for (const cgroup of [ONE, TWO]) if (existsSync(cgroup)) rmdirSync(cgroup);
  });

  const loaded = async (work: (object: LoadedObject) => void) => {
    const object = await loadObject({
      path,
      instance,
      role: 'socket',
      capacities: {},
      log: SILENT,
    });
    try {
      work(object);
    } finally {
      object.close();
    }
  };
  const attachAll = (object: LoadedObject, cgroup: string) => {
    for (const [hook, program] of HOOKS)
      attachToCgroup(object.program(program), { instance, cgroup, hook });
  };
  const attachedTo = () =>
    HOOKS.map(([hook]) => {
      const link = lib().getPinned(`${roleDirectory(instance, 'socket')}/link_${hook}`) as LinkFd;
      return linkedCgroup(link, hook);
    });

  test('a link stays when its daemon closes, and the next daemon replaces its program', async () => {
    await loaded((object) => attachAll(object, ONE));
    const id = cgroupId(ONE);
    assert.deepEqual(attachedTo(), [id, id, id]);
    await loaded((object) => attachAll(object, ONE));
    assert.deepEqual(attachedTo(), [id, id, id]);
  });

  test('another cgroup takes the place of the first', async () => {
    await loaded((object) => attachAll(object, TWO));
    const id = cgroupId(TWO);
    assert.deepEqual(attachedTo(), [id, id, id]);
  });

  test('a cgroup that was removed is attached to again when it is back', async () => {
    rmdirSync(TWO);
    // The kernel lets go of it a moment later.
    for (let i = 0; i < 100 && attachedTo().some((id) => id !== 0n); i++) await sleep(20);
    assert.deepEqual(attachedTo(), [0n, 0n, 0n]);
    mkdirSync(TWO);
    await loaded((object) => attachAll(object, TWO));
    assert.equal(attachedTo()[0], cgroupId(TWO));
  });

  test('a cgroup that is not there is an error that names it', async () => {
    await loaded((object) =>
      assert.throws(() => attachAll(object, `${root}/fullnat-nowhere`), /fullnat-nowhere/),
    );
  });

  test('detach takes all of it away, and says how many', async () => {
    await loaded((object) =>
      pinIterator(object.program('uncover_listeners'), uncoverPin(instance)),
    );
    const done = await detachInstance(instance);
    assert.deepEqual([done.links, done.pins, done.filters], [3, 6, []]);
    assert.ok(!existsSync(roleDirectory(instance, 'socket')));
    assert.equal((await detachInstance(instance)).links, 0);
  });

  test('an iterator over nothing writes nothing', async () => {
    await loaded((object) => {
      const program = object.program('list_clients');
      assert.equal(runIterator(program, { map: object.map('clients') }).length, 0);
    });
  });
});

test('a directory is a cgroup when the hierarchy has it', { skip: lacks }, () => {
  assert.ok(isCgroup(root ?? ''));
  assert.ok(!isCgroup('/tmp'));
  assert.ok(!isCgroup(`${root}/fullnat-nowhere`));
});

test('a namespace is entered for one call, and left when that throws', { skip: lacksBpf }, () => {
  const own = namespaceId(OWN_NAMESPACE);
  assert.ok(livingNamespaces().has(own));
  const other = [...livingNamespaces()].find(([id]) => id !== own)?.[1] ?? OWN_NAMESPACE;
  const wanted = namespaceId(other);
  const there = () => namespaceId(`/proc/self/task/${process.pid}/ns/net`);
  assert.equal(insideNamespace(other, there), wanted);
  assert.throws(
    () =>
      insideNamespace(other, () => {
        throw new RangeError('inside');
      }),
    /inside/,
  );
  assert.equal(there(), own);
});
