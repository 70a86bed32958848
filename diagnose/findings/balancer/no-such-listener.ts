/** The balancer has no such listener. */
import { formatEndpoint } from '../../../packet/address.ts';
import { inside, failuresOf, placesOf } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const noSuchListener: Hypothesis = {
  code: 'no-such-listener',
  causes: [17],
  title: 'the balancer has no listener with that address and port',
  remedy: 'add it to the balancer’s configuration, or correct the address',
  decide: (evidence) => {
    for (const place of placesOf(evidence, 'balancer')) {
      const { daemon } = place.after;
      if (!daemon.ok) continue;
      const addresses = daemon.value.listeners.map(({ address }) => address);
      const wanted = formatEndpoint(evidence.target);
      if (addresses.includes(wanted)) return ruledOut(`${wanted} is a listener of ${place.name}`);
      const said = `${wanted} is not among the ${addresses.length} listeners of ${place.name}`;
      return failuresOf(evidence) === 0 ? ruledOut(said) : proved(inside(place), said, 0.995);
    }
    return notChecked('no balancer of ours was named: --at balancer=WHERE,balancer:SOCKET');
  },
};
