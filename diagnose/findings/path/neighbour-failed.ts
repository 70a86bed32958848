/** The next hop does not answer ARP. */
import type { Neighbour } from '../../collect/network.ts';
import { failuresOf, inside, type Evidence, type PlaceEvidence } from '../evidence.ts';
import { formatIpv4Address } from '../../../packet/address.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

const UNANSWERED = ['FAILED', 'INCOMPLETE'];

export const neighbourFailed: Hypothesis = {
  code: 'neighbour-failed',
  causes: [4, 59],
  title: 'the next hop does not answer ARP',
  remedy:
    'is the machine up, in the same segment, with that address? look with ip neigh and arping',
  decide: (evidence) => {
    const readable = evidence.places.filter(({ after }) => after.neighbours.ok);
    if (readable.length === 0) return notChecked('neighbours could be read nowhere');
    const failed = readable.flatMap((place) =>
      failedAt(evidence, place).map((neighbour) => ({ place, neighbour })),
    );
    const [first] = failed;
    if (first === undefined)
      return ruledOut(`no next hop is FAILED or INCOMPLETE at ${readable.length} places`);
    const { place, neighbour } = first;
    const said = `${neighbour.address} is ${neighbour.states.join(', ')} at ${place.name} on ${neighbour.device}`;
    if (failuresOf(evidence) === 0) return ruledOut(`${said}, and yet no connection failed`);
    return proved(inside(place), said, 0.95);
  },
};

/** Next hops of this connection; neighbours of other business may fail as they like. */
function failedAt(evidence: Evidence, { after, role }: PlaceEvidence): readonly Neighbour[] {
  if (!after.neighbours.ok || role === 'other-client') return [];
  const gateways = after.routes.flatMap((route) =>
    route.ok ? [route.value.gateway ?? route.value.to] : [],
  );
  const ends = [evidence.target, ...evidence.backends].map(({ address }) =>
    formatIpv4Address(address),
  );
  return after.neighbours.value.filter(
    ({ address, states }) =>
      states.some((state) => UNANSWERED.includes(state)) &&
      (gateways.includes(address) || ends.includes(address)),
  );
}
