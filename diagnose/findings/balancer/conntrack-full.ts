/** The connection tracking table is full. */
import { both, conntrackStats, ON_THE_PATH } from '../amounts.ts';
import { inside } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';
import { newLogLines } from '../log-lines.ts';

/** A table that lost entries since it was full is still nearly so. */
const NEARLY_FULL = 0.95;

export const conntrackFull: Hypothesis = {
  code: 'conntrack-full',
  causes: [20],
  title: 'the connection tracking table is full',
  remedy: 'raise net.netfilter.nf_conntrack_max, or do not track this traffic',
  decide: (evidence) => {
    const tables = evidence.places
      .filter(({ role }) => ON_THE_PATH.includes(role))
      .flatMap((place) => {
        const drops = conntrackStats('drop', 'early_drop')(place);
        const sizes = both(place.before.conntrack, place.after.conntrack, (before, after) => ({
          entries: Math.max(before.entries, after.entries),
          most: after.most,
        }));
        if (!drops.ok || !sizes.ok || sizes.value.most === 0) return [];
        const dropped = drops.value.reduce((sum, { amount }) => sum + Number(amount), 0);
        return [{ place, dropped, ...sizes.value }];
      });
    const [fullest] = tables.toSorted((a, b) => b.entries / b.most - a.entries / a.most);
    if (fullest === undefined) return notChecked('connection tracking could be read nowhere');
    const { place, entries, most, dropped } = fullest;
    const said = `${entries} of ${most} entries at ${place.name}, drop +${dropped}`;
    if (entries < most * NEARLY_FULL || dropped === 0) return ruledOut(said);
    if (evidence.lostSyns === 0) return ruledOut(`${said}, but no SYN was lost`);
    const lines = newLogLines(place, /nf_conntrack: .*table full/).length;
    const logged = lines > 0 ? `, ${lines} lines in the log say so` : '';
    return proved(inside(place), `${said}${logged}, ${evidence.lostSyns} SYNs lost`, 0.98);
  },
};
