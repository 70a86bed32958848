/**
 * The report's case under load: 100 direct and 100 balanced connections a second
 * of one client, side by side for 30 s, out of 2,000 ports.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { listPins } from '../../datapath/binding/pins.ts';
import { collisionCounters, toaNotDelivered } from '../answers.ts';
import { openLab } from '../lab.ts';
import { runLoad, type LoadResult } from '../load.ts';
import { openSideBySide } from '../side-by-side.ts';
import { down, up } from '../up.ts';
import { reasonToSkip } from './machine.ts';
import { lacksCgroups } from './socket-agent.ts';

const skip = reasonToSkip();
/** Each load has a lab of its own, side by side: most of their time is waiting. */
const INSTANCES = { drop: 't-load-drop', remap: 't-load-remap', socket: 't-load-socket' } as const;
const LOAD = { perSecond: 100, seconds: 30, range: { low: 40_000, high: 41_999 } } as const;
const ATTEMPTS = LOAD.perSecond * LOAD.seconds;
/** Without a prediction to compare with, less will do: most ports have been used both ways by then. */
const SOCKET_LOAD = { ...LOAD, seconds: 10, range: { low: 40_000, high: 40_999 } } as const;

describe('direct and balanced connections', { skip, timeout: 180_000, concurrency: 3 }, () => {
  after(async () => {
    for (const instance of Object.values(INSTANCES)) await down(instance);
  });

  test('under drop they fail as often as predicted, and none of another cause', async (t) => {
    const { result, counted } = await loaded('drop');
    t.diagnostic(facts(result));
    const { failures, predicted, balanced, direct } = result;
    assert.equal(result.attempts, ATTEMPTS);
    assert.ok(predicted > ATTEMPTS / 10, `${predicted} predicted: too few to compare`);
    assert.ok(Math.abs(failures / predicted - 1) <= 0.3, facts(result));
    assert.deepEqual(Object.keys(balanced.failuresByCode), ['TIMEOUT']);
    // Each SYN is dropped twice at least: itself, and once more a second later.
    const failed = failures + direct.reduce((sum, each) => sum + each.failures.length, 0);
    assert.ok(counted.dropped >= 2 * failed, `${counted.dropped} dropped, ${failed} failed`);
    assert.deepEqual([balanced.wrongAnswers, balanced.slow], [[], 0]);
  });

  test('under remap none fails, and no connect needs a second SYN', async (t) => {
    const { result, counted } = await loaded('remap');
    t.diagnostic(`${facts(result)}; ${counted.remapped} remapped`);
    for (const each of [result.balanced, ...result.direct]) {
      const { attempted, answered, failures, slow, wrongAnswers } = each;
      assert.deepEqual([attempted, failures, slow, wrongAnswers], [ATTEMPTS, [], 0, []]);
      assert.equal(answered, attempted);
    }
    assert.equal(result.synRetransmissions, 0);
    // A port collides once: used again while its session rests, it has its remapped port already.
    assert.ok(counted.remapped > result.choices / 2, `${counted.remapped} remapped`);
  });

  test(
    'in socket mode none fails, and every server names address and port',
    { skip: lacksCgroups },
    async (t) => {
      const instance = INSTANCES.socket;
      await up({ instance, servers: 1, closeFirst: true, agentMode: 'socket' });
      const options = { ...SOCKET_LOAD, expect: 'peer' } as const;
      const result = await openSideBySide(openLab(instance), options, async () => {});
      const attempts = SOCKET_LOAD.perSecond * SOCKET_LOAD.seconds;
      for (const each of [result.balanced, ...result.direct]) {
        const { attempted, answered, failures, slow, wrongAnswers } = each;
        assert.deepEqual([attempted, failures, slow, wrongAnswers], [attempts, [], 0, []]);
        assert.equal(answered, attempted);
      }
      assert.equal(result.synRetransmissions, 0);
      const direct = new Set(result.direct.flatMap(({ ports }) => ports));
      const shared = result.balanced.ports.filter((port) => direct.has(port)).length;
      t.diagnostic(`${shared} of ${attempts} balanced connections had the port of a direct one`);
      assert.ok(shared > attempts / 4, `${shared} shared ports: too few to have met`);
      assert.equal(await toaNotDelivered(instance), 0);
      assert.deepEqual(listPins(instance, 'agent'), [], 'packet mode had no part in it');
    },
  );
});

async function loaded(policy: 'drop' | 'remap') {
  const instance = INSTANCES[policy];
  await up({ instance, servers: 1, closeFirst: true, onCollision: policy });
  const result = await runLoad(openLab(instance), { policy, ...LOAD });
  assert.equal(await toaNotDelivered(instance), 0);
  return { result, counted: await collisionCounters(instance) };
}

function facts(result: LoadResult): string {
  const { attempts, failures, predicted, choices, directTuples, synRetransmissions } = result;
  return (
    `${failures} of ${attempts} balanced connections failed, predicted ${Math.round(predicted)} ` +
    `(${Math.round(directTuples)} direct tuples on average, ${choices} ports to choose from), ` +
    `${synRetransmissions} SYNs sent again`
  );
}
