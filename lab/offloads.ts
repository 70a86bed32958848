/** What network cards do for the kernel, switched per link end, and the MTU of the whole path. */

import { run } from './namespaces.ts';
import type { Role, Topology } from './topology.ts';
import { namespaceName } from './topology.ts';

/** Segmentation (TSO and GSO together), receive merging, and transmit checksums. */
export type Offloads = { gso: boolean; gro: boolean; txChecksum: boolean };

/** ethtool's words. Without transmit checksums the kernel turns TSO off by itself. */
export function offloadWords({ gso, gro, txChecksum }: Offloads): string[] {
  const word = (on: boolean) => (on ? 'on' : 'off');
  return [
    ...['tx', word(txChecksum)],
    ...['tso', word(gso && txChecksum)],
    ...['gso', word(gso)],
    ...['gro', word(gro)],
  ];
}

export async function setOffloads(
  instance: string,
  end: { role: Role; device: string },
  offloads: Offloads,
): Promise<void> {
  const argv = ['ethtool', '-K', end.device, ...offloadWords(offloads)];
  await run(namespaceName(instance, end.role), argv);
}

/** Every combination of the three, for tests that must hold under all of them. */
export function everyOffload(): Offloads[] {
  const both = [true, false];
  return both.flatMap((gso) =>
    both.flatMap((gro) => both.map((txChecksum) => ({ gso, gro, txChecksum }))),
  );
}

/** Sets the MTU of every device of the lab, link ends and bridges. */
export async function setPathMtu(topology: Topology, mtuBytes: number): Promise<void> {
  const ends = topology.links.flatMap(({ a, b }) => [a, b]);
  await Promise.all(
    topology.namespaces.map(({ role, name }) => {
      const lines = [...ends, ...topology.bridges]
        .filter((device) => device.role === role)
        .map(({ device }) => `link set ${device} mtu ${mtuBytes}\n`);
      return run(name, ['ip', '-batch', '-'], { input: lines.join('') });
    }),
  );
}
