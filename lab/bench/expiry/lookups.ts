/**
 * How long the balancer's program takes for a packet of a known session, by the size of the table.
 *
 * Test-runs here name no interface, so the program stops where it would ask for the route: what
 * comes after does not depend on the table.
 */

import { testRun } from '../../../datapath/binding/test-run.ts';
import { tcp } from '../../../packet/index.ts';
import { frontOf, type SessionTable } from './table.ts';

/** Enough that a large table's entries do not stay in the CPU's caches. */
const PACKETS = 50_000;
/** Test-runs come in by the loopback device; frames for another address are not the balancer's. */
const LOOPBACK_MAC = '00:00:00:00:00:00';

/** The mean over packets of sessions all over the table, each run alone. */
export function measureLookups({ object, maps, sessions }: SessionTable): number {
  const program = object.program('balancer_ingress');
  const packets = Array.from({ length: PACKETS }, (_, i) => packetOf((i * 7_919) % sessions));
  const run = () =>
    packets.reduce((sum, packet) => sum + testRun(program, { packet }).nanoseconds, 0) / PACKETS;
  run(); // every session has just been seen: from now on its packets are plain data
  const nanoseconds = run();
  const counted = maps.sessions.get(frontOf(0))?.packets ?? 0;
  if (counted < 2) throw new Error(`session 0 counted ${counted} packets: others were measured`);
  return nanoseconds;
}

function packetOf(index: number): Uint8Array {
  const { sourceAddr, sourcePort, destinationAddr, destinationPort } = frontOf(index);
  return tcp({
    ethernet: { source: '02:00:00:00:88:64', destination: LOOPBACK_MAC },
    from: { address: sourceAddr, port: sourcePort },
    to: { address: destinationAddr, port: destinationPort },
    ...{ flags: 'A', sequence: 2, acknowledgment: 1_000, payload: new Uint8Array(64) },
  });
}
