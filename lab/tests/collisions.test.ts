/** Two connections that to the server would be one: under every policy, and from before the agent. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { collisionCounters, collisions, toaNotDelivered } from '../answers.ts';
import { COLLISION_CASES } from '../cases/collision/index.ts';
import { countersDuring } from '../counters.ts';
import { startDaemons } from '../daemons.ts';
import { openLab } from '../lab.ts';
import { type CollisionPolicy, labOptions } from '../options.ts';
import { waitUntil } from '../process.ts';
import { type Attempt, type Connection, withClient } from '../scripted.ts';
import { down, up } from '../up.ts';
import { upWithListeners } from './listeners.ts';
import { reasonToSkip } from './machine.ts';

const instance = 't-collisions';
const skip = reasonToSkip();
const SERVER = '10.0.98.79:8056';
const LISTENER = '10.0.23.111:18056';

for (const policy of ['remap', 'local', 'drop'] as const satisfies CollisionPolicy[]) {
  describe(`onCollision: ${policy}`, { skip, timeout: 120_000 }, () => {
    before(() =>
      upWithListeners({ instance, onCollision: policy }, [
        { address: '10.0.23.111:18057', name: 'second' },
      ]),
    );
    after(() => down(instance));

    for (const { name, sentence, run } of COLLISION_CASES) {
      test(`${name}: ${sentence}`, async (t) => {
        const result = await run(openLab(instance));
        if (result.kind !== 'not-here') result.facts.forEach((fact) => t.diagnostic(fact));
        assert.equal(result.kind, 'holds', JSON.stringify(result, undefined, 1));
      });
    }

    test('no client was left unsaid', async () => {
      assert.equal(await toaNotDelivered(instance), 0);
    });

    test('the counters say what the policy says', async () => {
      const { remapped, keptLocal, dropped } = await collisionCounters(instance);
      // Direct connections have no local to keep: those are remapped under `local` too.
      assert.deepEqual(
        [remapped > 0, keptLocal > 0, dropped > 0],
        [policy !== 'drop', policy === 'local', policy === 'drop'],
      );
    });
  });
}

describe('connections from before the agent', { skip, timeout: 60_000 }, () => {
  const options = labOptions({ instance, servers: 1 });
  after(() => down(instance));

  test('an active one is found, an idle one defends its tuple: all of them live', async () => {
    await up({ ...options, daemons: false });
    const lab = openLab(instance);
    await withClient(lab, 'client', async (client) => {
      const [active, idle] = await Promise.all([
        connected(client.connect(SERVER, 21_521)),
        connected(client.connect(SERVER, 21_523)),
      ]);
      for (const direct of [active, idle]) assert.equal(await direct.ask(), seen(direct));
      await startDaemons(options);
      assert.equal(await active.ask(), seen(active), 'adopted');

      // The agent knows the active one: no second SYN. It cannot know the idle one: one more SYN.
      const rows = [
        { direct: active, port: 21_521, retransmissions: 0n },
        { direct: idle, port: 21_523, retransmissions: 1n },
      ];
      for (const { direct, port, retransmissions } of rows) {
        const { result: balanced, changes } = await countersDuring(lab.namespace('client'), () =>
          connected(client.connect(LISTENER, port)),
        );
        assert.ok((changes.get('TcpExtTCPSynRetrans') ?? 0n) <= retransmissions, `port ${port}`);
        const line = await balanced.ask();
        assert.match(line, /^server1 10\.0\.88\.100:1\d{4}$/, 'remapped');
        for (const again of [1, 2]) {
          assert.equal(await direct.ask(), seen(direct), `direct, ${again}`);
          assert.equal(await balanced.ask(), line, `balanced, ${again}`);
        }
      }
      // The agent reads the kernel's events ten times a second.
      const owners = async () => (await collisions(instance)).map(({ owner }) => owner).toSorted();
      await waitUntil(async () => (await owners()).length === rows.length, { timeoutMs: 3_000 });
      assert.deepEqual(
        await owners(),
        rows.map(({ port }) => `10.0.88.100:${port} -> ${SERVER}`),
      );
    });
  });
});

async function connected(attempt: Promise<Attempt>): Promise<Connection> {
  const result = await attempt;
  if (!result.ok) assert.fail(`connect: ${result.error}`);
  return result.connection;
}

const seen = ({ local }: Connection) => `server1 ${local}`;
