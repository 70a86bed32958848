/** A NIC carries as much as its link can. */
import { both } from '../amounts.ts';
import { failuresOf, inside } from '../evidence.ts';
import { notChecked, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

/** Headers, gaps and preambles take the rest of what a link can carry. */
const NEARLY_ALL = 0.9;
const BITS_PER_MEGABIT = 1_000_000;

export const linkSaturated: Hypothesis = {
  code: 'link-saturated',
  causes: [6],
  title: 'a NIC is at the speed of its link',
  remedy: 'a faster link, or less on it; ethtool DEV says its speed',
  decide: (evidence) => {
    const seconds = evidence.windowSeconds;
    const loads = evidence.places.flatMap((place) => {
      const { speeds } = place.after;
      const grown = both(place.before.links, place.after.links, (before, after) =>
        after.flatMap(({ name, stats }) => {
          const earlier = before.find((link) => link.name === name);
          const speed = speeds.ok ? speeds.value.get(name) : undefined;
          if (earlier === undefined || speed === undefined) return [];
          const bytes = (way: 'rx' | 'tx') =>
            Number((stats.get(`${way} bytes`) ?? 0n) - (earlier.stats.get(`${way} bytes`) ?? 0n));
          const megabits = (Math.max(bytes('rx'), bytes('tx')) * 8) / seconds / BITS_PER_MEGABIT;
          return [{ place, name, speed, megabits }];
        }),
      );
      return grown.ok ? grown.value : [];
    });
    const [most] = loads.toSorted((a, b) => b.megabits / b.speed - a.megabits / a.speed);
    if (most === undefined) return notChecked('no NIC that was read tells the speed of its link');
    const { place, name, speed, megabits } = most;
    const said = `${Math.round(megabits)} of ${speed} Mbit/s on ${name} at ${place.name}`;
    if (megabits < speed * NEARLY_ALL || failuresOf(evidence) === 0) return ruledOut(said);
    return suspected(inside(place), said);
  },
};
