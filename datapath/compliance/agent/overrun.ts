/** Events come faster than anyone reads them. */
import assert from 'node:assert/strict';
import type { AgentTables } from '../../model/index.ts';
import { SYN } from '../balancer/conversation.ts';
import type { Law } from '../law.ts';
import { CLIENT, direct, fromBalancer } from '../network.ts';
import { AGENT_TABLES } from '../tables.ts';
import { policy } from './contest.ts';
import { synFor } from './conversation.ts';

/** More than the ring has room for: 256 KiB, 80 bytes and 8 of the kernel's own each. */
const COLLISIONS = 4_000;

export const agentOverrunLaws: readonly Law<AgentTables>[] = [
  {
    name: 'events for which the ring has no room are counted, and it goes on when it has been read',
    kernelOnly: 'the model keeps its events in a list without end',
    check: (path) => {
      path.reset({ ...AGENT_TABLES, ...policy('drop') });
      path.receive(direct(SYN), 'front');
      const collide = () => path.receive(fromBalancer(synFor(CLIENT)), 'front');
      const outcomes = Array.from({ length: COLLISIONS }, collide);
      for (const { verdict } of outcomes) assert.equal(verdict, 'drop-collision');
      const lost = outcomes.filter(({ notes }) => notes.includes('event-lost')).length;
      assert.ok(lost > 0, 'the ring was full');
      assert.equal(path.state().events.length + lost, COLLISIONS);

      assert.ok(!collide().notes.includes('event-lost'), 'the ring has room again');
      assert.equal(path.state().events.length + lost, COLLISIONS + 1);
    },
  },
];
