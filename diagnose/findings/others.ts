/** Findings that need no more than the conversation itself and the points' condition. */
import type { Gap } from '../correlate/health.ts';
import type { Trace } from '../correlate/trace.ts';
import type { FindingRule } from './finding.ts';
import { indexOf } from './trace-index.ts';

/** Who answered with RST or an ICMP error: the last point that shows it, and what it said there. */
export const refused: FindingRule = (trace, { hops, verdict }) => {
  if (verdict.outcome !== 'refused') return [];
  const [from, to] = verdict.sentBetween;
  const who =
    to === null
      ? `by what is behind ${nameOf(trace, from)}`
      : `between ${nameOf(trace, from)} and ${nameOf(trace, to)}`;
  const sentBetween = [nameOf(trace, from), to === null ? null : nameOf(trace, to)];
  const icmp = hops.findLast((hop) => hop.icmp)?.icmp;
  if (verdict.by === 'icmp' && icmp) {
    const { type, code } = icmp;
    const sender = trace.book.text(icmp.from);
    return [
      {
        code: 'refused',
        message: `an ICMP error was sent ${who}, by ${sender}: ${icmpText(sender, type, code)}`,
        evidence: { by: 'icmp', sentBetween, sender, type, code },
      },
    ];
  }
  const { reset } = hops.findLast((hop) => hop.reset?.from === 'server') ?? {};
  return [
    {
      code: 'refused',
      message: `the RST was sent ${who} (its TTL there: ${reset?.ttl ?? '?'})`,
      evidence: { by: 'rst', sentBetween, ttl: reset?.ttl ?? null },
    },
  ];
};

/** An acknowledgment instead of SYN+ACK: the server has another connection with this tuple. */
export const challengeAck: FindingRule = (trace, { hops }) => {
  const hop = hops.find(({ strayAcks }) => strayAcks.length > 0);
  if (!hop) return [];
  const where = nameOf(trace, hop.point);
  return [
    {
      code: 'challenge-ack',
      message:
        `the SYN was answered with an acknowledgment without SYN (${hop.strayAcks.length} at ${where}): ` +
        'the server holds another connection with this tuple, live or in TIME_WAIT',
      evidence: { point: where, count: hop.strayAcks.length },
    },
  ];
};

export const ambiguous: FindingRule = ({ book, points }, { hops, ambiguous: candidates }) => {
  const [first] = candidates;
  if (!first) return [];
  const texts = candidates.map(
    (one) => `${book.keyText(one.client)} > ${book.keyText(one.server)}`,
  );
  const from = points[hops.at(-1)?.point ?? 0]?.name;
  const where = points[first.point]?.name;
  return [
    {
      code: 'ambiguous',
      message: `what it is at ${where} cannot be told: ${texts.length} connections there fit about as well`,
      evidence: { after: from, point: where, candidates: texts.slice(0, 20) },
    },
  ];
};

export const captureGap: FindingRule = (trace, { verdict }) => {
  if (verdict.outcome !== 'lost' && verdict.outcome !== 'unanswered') return [];
  return verdict.gaps.map((gap) => ({
    code: 'capture-gap',
    message: `that ${nameOf(trace, gap.point)} does not show it proves nothing: ${reasonOf(gap)}`,
    evidence: { ...gap, point: nameOf(trace, gap.point) },
  }));
};

/** The point that misses it never saw anything of that server: perhaps it is on another path. */
export const pathNotShown: FindingRule = (trace, { hops, verdict }) => {
  if (verdict.outcome !== 'lost' || verdict.direction !== 'forward' || !verdict.lostBetween)
    return [];
  const [, to] = verdict.lostBetween;
  const last = hops.at(-1);
  if (to === null || !last) return [];
  const { reached } = indexOf(trace);
  const isShown = reached[to]?.has(last.server) ?? false;
  // Behind a translation the same server has another name: others that made the way show it.
  const isKnown = reached[last.point]?.get(last.server)?.has(to) ?? false;
  if (isShown || isKnown) return [];
  const server = trace.book.keyText(last.server);
  const where = nameOf(trace, to);
  return [
    {
      code: 'path-not-shown',
      message: `${where} shows nothing else to ${server} either: make sure that it is on this path and that its filter matches`,
      evidence: { point: where, server },
    },
  ];
};

function reasonOf(gap: Gap): string {
  switch (gap.kind) {
    case 'no-packets':
      return 'its capture has no packets';
    case 'began-later':
      return `its capture began ${gap.bySeconds.toFixed(3)} s later`;
    case 'ended-before':
      return (
        `its last packet is ${gap.bySeconds.toFixed(3)} s older; ` +
        'let another connection pass before you end a capture'
      );
    case 'no-replies':
      return 'its capture shows no answers of any connection';
  }
}

/** RFC 792, 1122 and 1812; RFC 4443. */
const ICMP_UNREACHABLE_TEXTS: Readonly<Record<number, string>> = {
  ...{ 0: 'network unreachable', 1: 'host unreachable', 2: 'protocol unreachable' },
  ...{ 3: 'port unreachable', 4: 'fragmentation needed', 9: 'network prohibited' },
  ...{ 10: 'host prohibited', 13: 'communication administratively prohibited' },
};
const ICMPV6_UNREACHABLE_TEXTS: Readonly<Record<number, string>> = {
  ...{ 0: 'no route to destination', 1: 'communication administratively prohibited' },
  ...{ 2: 'beyond scope of source address', 3: 'address unreachable', 4: 'port unreachable' },
  ...{ 5: 'source address failed policy', 6: 'reject route to destination' },
};

function icmpText(sender: string, type: number, code: number): string {
  const isIpv6 = sender.includes(':');
  if (type === (isIpv6 ? 3 : 11))
    return 'time to live exceeded: a routing loop, or a TTL too small';
  if (isIpv6 && type === 2) return 'packet too big';
  const texts = isIpv6 ? ICMPV6_UNREACHABLE_TEXTS : ICMP_UNREACHABLE_TEXTS;
  return texts[code] ?? `unreachable, code ${code}`;
}

function nameOf({ points }: Trace, number: number): string {
  return points[number]?.name ?? '?';
}
