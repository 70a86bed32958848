/**
 * The kernel says itself that it threw this connection's packets away, and why.
 *
 * Needs a live trace with a place on this machine. Proved by a dropped SYN, SYN+ACK, FIN or RST with
 * the ends of one of its hops, or those that restoring the client would give, in either direction.
 * Ruled out by nothing: listeners with full queues drop without a word, and other machines are not asked.
 */
import type { KernelDrop } from '../correlate/kernel-drop.ts';
import type { Finding, FindingRule } from './finding.ts';
import { clientOf } from './trace-index.ts';

const FLAG_FIN = 1;
const FLAG_SYN = 2;
const FLAG_RST = 4;
const FLAG_ACK = 16;

export const kernelDrop: FindingRule = ({ book, drops }, conversation) => {
  if (drops.length === 0) return [];
  const { hops } = conversation;
  const [client, last] = [clientOf(conversation), hops.at(-1)];
  const tuples = new Set(
    [
      ...hops,
      // A translation that is refused drops the packet as it would have gone on.
      ...(client === undefined || !last ? [] : [{ client, server: last.server }]),
    ].flatMap((one) => {
      const [from, to] = [book.keyText(one.client), book.keyText(one.server)];
      return [`${from} ${to}`, `${to} ${from}`];
    }),
  );
  const findings = new Map<string, { drop: KernelDrop; count: number }>();
  for (const drop of drops) {
    if (!tuples.has(`${drop.from} ${drop.to}`)) continue;
    const key = `${drop.from} ${drop.to} ${kindOf(drop)} ${drop.reason} ${drop.location}`;
    findings.set(key, { drop, count: (findings.get(key)?.count ?? 0) + 1 });
  }
  return [...findings.values()].map(({ drop, count }) => sentence(drop, count));
};

function sentence(drop: KernelDrop, count: number): Finding {
  const { from, to, reason, location } = drop;
  const packet = kindOf(drop);
  const where = location === '' ? '' : ` in ${location}`;
  return {
    code: 'dropped-by-kernel',
    message: `${count} ${packet} ${from} > ${to} dropped by this kernel: ${reason}${where}`,
    evidence: { packet, count, from, to, reason, location: location === '' ? null : location },
  };
}

function kindOf({ flags }: KernelDrop): string {
  if (flags & FLAG_SYN) return flags & FLAG_ACK ? 'SYN+ACK' : 'SYN';
  if (flags & FLAG_RST) return 'RST';
  return flags & FLAG_FIN ? 'FIN' : 'segment';
}
