/** The restored source is the server's own address: the kernel drops it, and counts it nowhere. */
import { nobodyNamed } from '../amounts.ts';
import { failuresOf, inside, placesOf } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const ownAddress: Hypothesis = {
  code: 'own-address',
  causes: [37],
  title:
    'the SYN comes from the server’s own address: it is its own client, and its kernel drops that',
  remedy: 'keep the balancer’s address for such connections, as fullnat’s agent does',
  decide: (evidence) => {
    // A server that connects to itself is both places: the server is where it happens.
    const servers = [...placesOf(evidence, 'server'), ...placesOf(evidence, 'client')];
    if (servers.length === 0) return notChecked(nobodyNamed(['server']));
    if (evidence.capture === undefined)
      return notChecked('nothing was captured: it was not needed');
    const { places } = evidence.capture;
    const seen = servers.flatMap((place) => {
      const found = places.find((one) => one.place === place.name);
      return found === undefined ? [] : [{ place, count: found.fromItself }];
    });
    const [most] = seen.toSorted((a, b) => b.count - a.count);
    if (most === undefined) return notChecked('the server could not capture');
    const said = `${most.count} SYNs from its own address reached ${most.place.name}`;
    if (failuresOf(evidence) === 0) return ruledOut(`${said}, and yet no connection failed`);
    return most.count === 0 ? ruledOut(said) : proved(inside(most.place), said, 0.98);
  },
};
