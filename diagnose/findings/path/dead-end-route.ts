/** A machine on the path has a blackhole, or no route, towards where the connection must go. */
import { formatIpv4Address } from '../../../packet/address.ts';
import { failuresOf, inside, type Evidence, type PlaceEvidence } from '../evidence.ts';
import { notChecked, proved, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

export const deadEndRoute: Hypothesis = {
  code: 'dead-end-route',
  causes: [3, 13],
  title: 'a machine on the path has no way to the destination: a blackhole, or no route',
  remedy: 'mend the route there: ip route get ADDRESS shows what the kernel would do',
  decide: (evidence) => {
    const asked = evidence.places.flatMap((place) => deadEnds(evidence, place));
    const answers = evidence.places.flatMap(({ after }) => after.routes.filter(({ ok }) => ok));
    if (answers.length === 0) return notChecked('routes could be read nowhere');
    const [first] = asked;
    if (first === undefined)
      return ruledOut(`${answers.length} routes asked for, none is a dead end`);
    const said = `${first.place.name} has no way to ${first.to}: ${first.refusal}`;
    if (failuresOf(evidence) === 0) return ruledOut(`${said}, and yet no connection failed`);
    // Where the captures name another place, the verdict weighs that.
    // A client's own kernel refuses before there is a SYN to be lost.
    return evidence.lostSyns > 0 || first.place.role === 'client'
      ? proved(inside(first.place), said, 0.93)
      : suspected(inside(first.place), said);
  },
};

/** Not every place needs a way to everywhere: those that the connection takes from it. */
function deadEnds(
  { target, backends }: Evidence,
  place: PlaceEvidence,
): { place: PlaceEvidence; to: string; refusal: string }[] {
  const target4 = formatIpv4Address(target.address);
  const behind = backends.map(({ address }) => formatIpv4Address(address));
  const needed = neededFrom(place, target4, behind);
  return place.after.routes.flatMap((route) =>
    route.ok && route.value.refusal !== undefined && needed.includes(route.value.to)
      ? [{ place, to: route.value.to, refusal: route.value.refusal }]
      : [],
  );
}

function neededFrom({ role }: PlaceEvidence, target: string, behind: readonly string[]) {
  switch (role) {
    case 'client':
      return [target];
    case 'forwarder':
      return [target, ...behind];
    case 'balancer':
      return behind;
    case 'other-client':
    case 'host':
    case 'server':
      return [];
  }
}
