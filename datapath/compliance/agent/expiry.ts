/** What a session leaves to others when it ends. */
import assert from 'node:assert/strict';
import type { AgentTables } from '../../model/index.ts';
import { ACK, CLIENT_DATA, SYN_ACK } from '../balancer/conversation.ts';
import type { Law } from '../law.ts';
import { CLIENT, fromBalancer, fromServer, OTHER_CLIENT } from '../network.ts';
import { AGENT_TABLES } from '../tables.ts';
import { synFor } from './conversation.ts';

export const agentExpiryLaws: readonly Law<AgentTables>[] = [
  {
    name: 'the end of a session does not touch who has its local port now',
    check: async (path) => {
      path.reset(AGENT_TABLES);
      path.receive(fromBalancer(synFor(CLIENT)), 'front');
      path.receive(fromBalancer(synFor(OTHER_CLIENT)), 'front');
      path.receive(fromServer({ ...SYN_ACK, to: OTHER_CLIENT }), 'back');
      path.receive(fromBalancer(ACK), 'front');
      path.elapse(AGENT_TABLES.timeoutSeconds['time-wait'] + 2);
      await path.sweep();
      assert.deepEqual(
        path.state().sessions.map(({ state }) => state),
        ['established'],
      );
      assert.equal(path.receive(fromBalancer(CLIENT_DATA), 'front').verdict, 'to-backend');
      assert.deepEqual(path.state().faults, []);
    },
  },
];
