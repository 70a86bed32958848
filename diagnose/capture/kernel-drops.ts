/** What the kernel of this machine threw away while a trace was running, in a line for each kind. */
import type { Ipv4Address } from '../../packet/address.ts';
import { isFailed, type Trace } from '../correlate/trace.ts';
import { DropWatch, type KernelDrop } from '../../datapath/binding/drops.ts';

/** Why nothing is seen, where nothing is: no privilege, or an older kernel. */
export type Watched = { readonly watch: DropWatch } | { readonly why: string };

const FLAG_FIN = 1;
const FLAG_SYN = 2;
const FLAG_RST = 4;
const FLAG_ACK = 16;

export async function watchDrops(addresses: readonly Ipv4Address[]): Promise<Watched> {
  try {
    return { watch: await DropWatch.open(addresses) };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

/**
 * Those of connections that failed, at any hop and in both directions: the kernel drops for all of the
 * machine, and most of it is nobody's loss.
 */
export function dropsOfFailed(drops: readonly KernelDrop[], trace: Trace): KernelDrop[] {
  const tuples = new Set(
    trace.conversations.filter(isFailed).flatMap(({ hops }) =>
      hops.flatMap(({ client, server }) => {
        const [from, to] = [trace.book.keyText(client), trace.book.keyText(server)];
        return [`${from} ${to}`, `${to} ${from}`];
      }),
    ),
  );
  return drops.filter(({ from, to }) => tuples.has(`${from} ${to}`));
}

/** `3 SYN 10.0.88.100:21521 > 10.0.98.79:8056 dropped by this kernel: NETFILTER_DROP in nft_do_chain` */
export function dropLines(drops: readonly KernelDrop[]): string[] {
  const counts = new Map<string, number>();
  for (const drop of drops) {
    const { from, to, reason, location } = drop;
    const where = location === '' ? '' : ` in ${location}`;
    const line = `${kindOf(drop)} ${from} > ${to} dropped by this kernel: ${reason}${where}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `${count} ${line}`);
}

function kindOf({ flags }: KernelDrop): string {
  if (flags & FLAG_SYN) return flags & FLAG_ACK ? 'SYN+ACK' : 'SYN';
  if (flags & FLAG_RST) return 'RST';
  return flags & FLAG_FIN ? 'FIN' : 'segment';
}
