/** Socket mode: real programs, as they are, see the client of a balanced connection. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { notes, toaNotDelivered } from '../answers.ts';
import { openLab } from '../lab.ts';
import { CLIENT_ADDRESS } from '../topology.ts';
import { down, up } from '../up.ts';
import { openFast } from './fast-open.ts';
import { reasonToSkip } from './machine.ts';
import { PROGRAMS } from './programs.ts';
import { lacksCgroups, peersSeenBy } from './socket-agent.ts';

const instance = 't-socket';
const FIRST_PORT = 21_500;
const FAST_OPENED = 5;

describe(
  'programs that see their clients',
  { skip: reasonToSkip() || lacksCgroups, timeout: 120_000 },
  () => {
    before(() =>
      up({ instance, servers: 1, agentMode: 'socket', exchange: true }).then(() => undefined),
    );
    after(() => down(instance));

    for (const [index, program] of PROGRAMS.entries())
      test(program.name, { skip: program.missing }, async () => {
        const port = FIRST_PORT + index;
        const peers = await peersSeenBy(openLab(instance), program, port);
        assert.ok(peers.length >= 2, peers.join(' '));
        for (const peer of peers) assert.equal(peer, `${CLIENT_ADDRESS}:${port}`);
      });

    test('each was told by the SYN', async () => {
      const counted = await notes(instance, 'agent');
      const balanced = PROGRAMS.filter(({ missing }) => missing === false).length;
      assert.deepEqual([...counted], [['client-from-syn', balanced]]);
    });

    test('fast open: the client is known although its data is in the SYN', async () => {
      const { seen, inSyn } = await openFast(openLab(instance), FAST_OPENED);
      assert.equal(inSyn, FAST_OPENED - 1, 'the first one asks for a cookie');
      assert.equal(seen.length, FAST_OPENED);
      for (const { own, peer } of seen) assert.equal(peer, own);
      assert.equal(await toaNotDelivered(instance), 0, 'of all of these, none was left unsaid');
    });
  },
);
