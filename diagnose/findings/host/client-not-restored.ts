/** Connections pass the agent by: the server sees the balancer's address instead of the client's. */
import { both } from '../amounts.ts';
import {
  inside,
  isSilentDaemon,
  placesOf,
  tallyOf,
  type Evidence,
  type PlaceEvidence,
} from '../evidence.ts';
import { notChecked, proved, ruledOut, type Decision, type Hypothesis } from '../hypothesis.ts';

export const clientNotRestored: Hypothesis = {
  code: 'client-not-restored',
  causes: [],
  title: 'connections pass the agent by: the server sees the balancer, not the client',
  remedy: 'start the agent again, on the interface that leads to the server: fullnat get info',
  decide: (evidence) => {
    const { tried, failed } = tallyOf(evidence, 'listener', 'shared-port', 'other-client');
    const opened = tried - failed;
    for (const agent of placesOf(evidence, 'host', 'server')) {
      const unanswered = decideByToa(evidence, agent);
      if (unanswered !== undefined) return unanswered;
      const grown = both(agent.before.daemon, agent.after.daemon, (before, after) =>
        after.mode === 'socket' ? undefined : connectionsOf(after) - connectionsOf(before),
      );
      if (!grown.ok || grown.value === undefined) continue;
      const said = `the agent at ${agent.name} saw ${grown.value} new connections, ${opened} came about`;
      if (grown.value > 0 || opened === 0) return ruledOut(said);
      return proved(inside(agent), said, 0.97);
    }
    return notChecked('no agent of ours in packet mode was named: --at host=WHERE,agent:SOCKET');
  },
};

/** The agent does not answer: whether it still restores, SYNs at the server show. */
function decideByToa(evidence: Evidence, agent: PlaceEvidence): Decision | undefined {
  const [server] = placesOf(evidence, 'server');
  if (!isSilentDaemon(agent) || server === undefined || server === agent) return undefined;
  const seen = evidence.capture?.places.find(({ place }) => place === server.name);
  if (seen === undefined) return notChecked(`the agent at ${agent.name} does not answer`);
  const said = `the agent at ${agent.name} does not answer, and ${seen.withToa} SYNs reached ${server.name} with TOA`;
  return seen.withToa > 0 ? proved(inside(agent), said, 0.96) : ruledOut(said);
}

function connectionsOf({ servers }: { servers: readonly { connections: number }[] }): number {
  return servers.reduce((sum, { connections }) => sum + connections, 0);
}
