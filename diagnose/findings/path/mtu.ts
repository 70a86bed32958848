/** Full-size segments are lost and small ones are not: a smaller MTU on the way, and no word of it. */
import { both } from '../amounts.ts';
import { failuresOf, inside, type Evidence, type Hop } from '../evidence.ts';
import { notChecked, proved, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

export const mtu: Hypothesis = {
  code: 'mtu',
  causes: [15],
  title: 'full-size segments are lost: the MTU is smaller on the way, and the sender is not told',
  remedy:
    'let ICMP "fragmentation needed" pass, clamp the MSS (tcp option maxseg size set rt mtu), or mend the MTU',
  decide: (evidence) => {
    const { data } = evidence;
    if (data === undefined) return notChecked('full-size segments are sent only with --data');
    if (!data.ok) return notChecked(data.why);
    const { sentBytes, acknowledgedBytes, retransmitted, segmentBytes } = data.value;
    const said =
      `${acknowledgedBytes} of ${sentBytes} bytes acknowledged in segments of ${segmentBytes}, ` +
      `${retransmitted} sent again`;
    if (acknowledgedBytes >= sentBytes) return ruledOut(said);
    if (failuresOf(evidence) > 0 || retransmitted === 0) return suspected(UNKNOWN, said);
    const found = tooBig(evidence);
    return proved(
      found?.hop ?? UNKNOWN,
      found ? `${said}; ${found.said}` : said,
      found ? 0.97 : 0.9,
    );
  },
};

const UNKNOWN: Hop = { kind: 'unknown' };

/** A forwarder that may not cut them counts it, and so does a balancer of ours. */
function tooBig({ places }: Evidence): { hop: Hop; said: string } | undefined {
  for (const place of places) {
    const fails = both(
      place.before.counters,
      place.after.counters,
      (before, after) => (after.get('IpFragFails') ?? 0n) - (before.get('IpFragFails') ?? 0n),
    );
    if (fails.ok && fails.value > 0n)
      return { hop: inside(place), said: `FragFails +${fails.value} at ${place.name}` };
    const drops = both(place.before.daemon, place.after.daemon, (before, after) => {
      const count = ({ drops }: typeof after) =>
        drops.find(({ name }) => name === 'drop-too-big')?.packets ?? 0;
      return count(after) - count(before);
    });
    if (drops.ok && drops.value > 0)
      return { hop: inside(place), said: `drop-too-big +${drops.value} at ${place.name}` };
  }
  return undefined;
}
