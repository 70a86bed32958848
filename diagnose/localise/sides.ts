/**
 * Cuts what a place captured on all its interfaces into capture points: the client's side and the
 * server's side of it, before the balancer (`front`) and behind it (`back`). A place that a
 * connection passes twice, such as a router with the balancer on a stick, has all four.
 *
 *   SYN      received → in     sent → out
 *   SYN+ACK  sent     → in     received → out       (the side that faces the client, or the server)
 */
import { formatIpv4Address, type Endpoint } from '../../packet/address.ts';
import { LINK_COOKED2, parseCaptured } from '../../packet/link.ts';
import { readPcap, type CapturedFrame } from '../../packet/pcap.ts';
import { hasFlag } from '../../packet/tcp.ts';
import type { Role } from '../findings/evidence.ts';
import type { Watched } from './watch.ts';

export type Phase = 'front' | 'back';
export type Side = 'in' | 'out';

export interface PlaceFrames {
  readonly place: string;
  readonly role: Role;
  readonly frames: Readonly<Record<Phase, Readonly<Record<Side, readonly CapturedFrame[]>>>>;
  /** SYN+ACKs from a backend's own address that were received here, and by whom they were sent. */
  readonly answersFromBackends: number;
  /** SYNs received that claim to come from an address of this place. */
  readonly fromItself: number;
  /** SYNs with TOA that were received here. */
  readonly withToa: number;
}

export function framesOf(
  { place, pcap }: Watched,
  role: Role,
  ownAddresses: readonly string[],
  { target, backends }: { target: Endpoint; backends: readonly Endpoint[] },
): PlaceFrames {
  const { header, frames } = readPcap(pcap);
  const sides = (): Record<Side, CapturedFrame[]> => ({ in: [], out: [] });
  const found: Record<Phase, Record<Side, CapturedFrame[]>> = { front: sides(), back: sides() };
  let [answersFromBackends, fromItself, withToa] = [0, 0, 0];
  for (const frame of frames) {
    const read = parseCaptured(frame.bytes, header?.linkType ?? LINK_COOKED2, frame.onWireBytes);
    if (!read.ok || read.value.kind !== 'tcp' || read.value.link.kind !== 'cooked') continue;
    const { ipv4, tcp, link } = read.value;
    const isSent = link.direction === 'from-us';
    // A frame for somebody else's link-layer address is not received, but by a bridge it is passed on.
    if (link.direction === 'to-other' && role !== 'host' && role !== 'forwarder') continue;
    const source = { address: ipv4.source, port: tcp.sourcePort };
    const destination = { address: ipv4.destination, port: tcp.destinationPort };
    const forward = phaseOf(destination, target, backends);
    const reply = phaseOf(source, target, backends);
    if (forward !== undefined) found[forward][isSent ? 'out' : 'in'].push(frame);
    else if (reply !== undefined) found[reply][isSent ? 'in' : 'out'].push(frame);
    if (isSent || !hasFlag(tcp, 'S')) continue;
    if (reply === 'back' && hasFlag(tcp, 'A')) answersFromBackends += 1;
    if (forward !== undefined && ownAddresses.includes(formatIpv4Address(source.address)))
      fromItself += 1;
    if (forward === 'back' && tcp.options.some(({ kind }) => kind === 'toa')) withToa += 1;
  }
  return { place, role, frames: found, answersFromBackends, fromItself, withToa };
}

function phaseOf(
  end: { address: number; port: number },
  target: Endpoint,
  backends: readonly Endpoint[],
): Phase | undefined {
  const is = (one: Endpoint) => one.address === end.address && one.port === end.port;
  if (is(target)) return 'front';
  return backends.some(is) ? 'back' : undefined;
}
