/** The table of neighbours is full. */
import { newLogLines } from '../log-lines.ts';
import { failuresOf, inside } from '../evidence.ts';
import { proved, ruledOut, notChecked, type Hypothesis } from '../hypothesis.ts';

const DEFAULT_MOST = 1024;

export const neighbourOverflow: Hypothesis = {
  code: 'neighbour-overflow',
  causes: [5],
  title: 'the table of neighbours (ARP) is full',
  remedy: 'raise net.ipv4.neigh.default.gc_thresh3',
  decide: (evidence) => {
    const counts = evidence.places.flatMap((place) => {
      const { neighbours, sysctls } = place.after;
      if (!neighbours.ok) return [];
      const limit = sysctls.ok ? sysctls.value.get('net.ipv4.neigh.default.gc_thresh3') : undefined;
      return [{ place, count: neighbours.value.length, most: Number(limit ?? DEFAULT_MOST) }];
    });
    const [fullest] = counts.toSorted((a, b) => b.count / b.most - a.count / a.most);
    if (fullest === undefined) return notChecked('neighbours could be read nowhere');
    const { place, count, most } = fullest;
    const said = `${count} of ${most} neighbours at ${place.name}`;
    const lines = newLogLines(place, /neighbor table overflow|neighbour table overflow/);
    if (count < most || failuresOf(evidence) === 0) return ruledOut(said);
    return proved(inside(place), `${said}, ${lines.length} lines in the log say so`, 0.9);
  },
};
