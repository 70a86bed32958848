/** Source NAT has no port left: connection tracking refuses every new translation. */
import { conntrackStats } from '../amounts.ts';
import { inside, tallyOf } from '../evidence.ts';
import { notChecked, proved, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

const SHARE_LEAST = 0.5;

export const snatExhausted: Hypothesis = {
  code: 'snat-exhausted',
  causes: [19],
  title: 'source NAT has no port left towards the server',
  remedy: 'give it more addresses or a wider range of ports',
  decide: (evidence) => {
    const measure = conntrackStats('insert_failed', 'drop');
    const readable = evidence.places.flatMap((place) => {
      const grown = measure(place);
      if (!grown.ok) return [];
      const most = grown.value.reduce((top, { amount }) => (amount > top ? amount : top), 0n);
      return [{ place, most: Number(most) }];
    });
    const [top] = readable.toSorted((a, b) => b.most - a.most);
    if (top === undefined) return notChecked('connection tracking could be read nowhere');
    const said = `conntrack insert_failed or drop +${top.most} at ${top.place.name}`;
    if (top.most === 0) return ruledOut(said);
    const { failed, tried } = tallyOf(evidence, 'listener');
    const shared = tallyOf(evidence, 'shared-port');
    const compared = `${said}, ${evidence.lostSyns} SYNs lost; ${failed} of ${tried} connections from fresh ports failed`;
    if (failed === 0)
      return ruledOut(`${compared}${shared.failed > 0 ? ': only ports in use elsewhere do' : ''}`);
    const share = top.most / Math.max(1, evidence.lostSyns);
    return share >= SHARE_LEAST
      ? proved(inside(top.place), compared, Math.min(0.96, share))
      : suspected(inside(top.place), compared);
  },
};
