/** TOA is taken out on the way: the agent cannot know the client. */
import { daemonNotes } from '../amounts.ts';
import { placesOf, type Hop } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const toaMissing: Hypothesis = {
  code: 'toa-missing',
  causes: [16],
  title: 'TOA is taken out on the way from the balancer to the agent',
  remedy: 'let TCP option 254 pass there: look for rules that reset options, and for proxies',
  decide: (evidence) => {
    const measure = daemonNotes('toa-missing', 'client-unknown');
    for (const place of placesOf(evidence, 'host', 'server')) {
      const grown = measure(place);
      if (!grown.ok) continue;
      const count = grown.value.reduce((sum, { amount }) => sum + amount, 0n);
      const said = `${count} connections from the balancer reached the agent at ${place.name} without TOA`;
      if (count === 0n) return ruledOut(said);
      // The agent sees that it is missing, captures show where it went.
      const hop: Hop = evidence.capture?.toaLost ?? { kind: 'unknown' };
      return proved(hop, said, 0.97);
    }
    return notChecked('no agent of ours was named: --at host=WHERE,agent:SOCKET');
  },
};
