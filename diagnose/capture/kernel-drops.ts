/** What the kernel of this machine throws away while a trace is running. */
import type { Ipv4Address } from '../../packet/address.ts';
import { DropWatch } from '../../datapath/binding/drops.ts';

/** Why nothing is seen, where nothing is: no privilege, or an older kernel. */
export type Watched = { readonly watch: DropWatch } | { readonly why: string };

export async function watchDrops(addresses: readonly Ipv4Address[]): Promise<Watched> {
  try {
    return { watch: await DropWatch.open(addresses) };
  } catch (error) {
    return { why: (error as Error).message };
  }
}
