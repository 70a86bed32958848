/** A packet of a known session: both addresses, both ports, next hop. */
import { macAddressBytes } from '../../../packet/index.ts';
import type { Side } from '../data-path.ts';
import { newEdit, writeFlow, type Edit } from '../edit.ts';
import { FIN, RST, SYN, type Segment } from '../segment.ts';
import { applyShift } from '../shift.ts';
import { applySplice } from '../splice.ts';
import { isHandshake } from '../states.ts';
import { hasRoomForToa, insertToa, takeToa } from '../toa.ts';
import type { Verdict } from '../words.ts';
import type { Route } from '../world.ts';
import type { Balancer, BalancerDirection } from './parts.ts';
import { bareAckOf } from './bare-ack.ts';

/** What goes on: the packet itself, or an ACK of our own, after which it comes by again. */
type Sent = 'packet' | 'bare-ack';
type Passable = Exclude<Route, { kind: 'none' }>;

const MAC_BYTES = 6;

/** Sends the packet on as its session says. */
export function translate(
  balancer: Balancer,
  segment: Segment,
  direction: BalancerDirection,
  from: Side,
): Verdict {
  const receivedBytes = segment.ipBytes;
  const route = balancer.world.network.route(direction.leaves.to.address, from);
  if (route.kind === 'none') return 'drop-no-route';
  if (isTooBig(segment, route)) {
    segment.nextHopMtuBytes = route.mtuBytes;
    return 'answer-too-big';
  }
  const edit = newEdit();
  const sent =
    direction.side === 'front' && isHandshake(segment, direction)
      ? handleToa(balancer, segment, direction, edit, route)
      : 'packet';
  applyShift(segment, edit, direction.session, direction.side);
  applySplice(segment, edit, direction.session.splice, direction.side);
  writeFlow(segment, direction.leaves, edit, 1);
  if (sent === 'packet') countTraffic(balancer, direction, receivedBytes);
  else direction.receivedBytes -= receivedBytes; // it comes by again
  addressTo(segment, route);
  return direction.side === 'back' ? 'to-client' : 'to-backend';
}

export function isTooBig({ ipBytes }: Pick<Segment, 'ipBytes'>, { mtuBytes }: Passable): boolean {
  return ipBytes > mtuBytes;
}

/** TOA of a segment of the client's handshake: forged ones out, the true one in. */
function handleToa(
  { journal }: Balancer,
  segment: Segment,
  direction: BalancerDirection,
  edit: Edit,
  route: Route,
): Sent {
  const traffic = journal.listeners[direction.session.listener];
  const wantsToa = traffic !== undefined && carriesToa(segment, direction);
  const mtuBytes = route.kind === 'next-hop' ? route.mtuBytes : undefined;
  if (segment.flags & SYN) direction.toaSent = false; // a live session's tuple may be used again
  let [inserts, sent]: [boolean, Sent] = [wantsToa, 'packet'];
  if (wantsToa && !hasRoomForToa(segment, mtuBytes)) {
    traffic.toaNotInserted += 1;
    sent = leaveToaToLater(segment, direction);
    inserts = sent === 'bare-ack';
    if (inserts) traffic.toaAnnounced += 1;
  }
  if (takeToa(segment, edit).found > 0) journal.note('toa-forged-client');
  if (!inserts) return sent;
  insertToa(segment, edit, segment.flow.from);
  if (!(segment.flags & SYN)) direction.toaSent = true;
  if (traffic) traffic.toaInserted += 1;
  return sent;
}

/** True when this segment of the handshake has to carry TOA. */
function carriesToa({ flags }: Segment, { toa, toaDue }: BalancerDirection): boolean {
  if (flags & SYN) return toa !== 'off';
  return !(flags & (FIN | RST)) && (toa === 'handshake' || toaDue);
}

/**
 * A segment without room for TOA. A SYN leaves it to what completes the handshake;
 * that, if it has no room either, gets a bare ACK of ours sent ahead of it: once.
 */
function leaveToaToLater(segment: Segment, direction: BalancerDirection): Sent {
  if (segment.flags & SYN) {
    direction.toaDue = true;
    return 'packet';
  }
  if (direction.toaSent) return 'packet';
  direction.toaSent = true;
  bareAckOf(segment);
  return 'bare-ack';
}

function countTraffic(
  { journal }: Balancer,
  { side, session }: BalancerDirection,
  bytes: number,
): void {
  const [listener, backend] = [
    journal.listeners[session.listener],
    journal.backends[session.backend],
  ];
  if (!listener || !backend) return;
  for (const traffic of [listener, backend])
    if (side === 'back') {
      traffic.packetsOut += 1;
      traffic.bytesOut += bytes;
    } else {
      traffic.packetsIn += 1;
      traffic.bytesIn += bytes;
    }
}

/** Addresses the frame to the next hop. */
export function addressTo({ frame }: Pick<Segment, 'frame'>, route: Route): void {
  if (route.kind !== 'next-hop') return;
  frame.set(macAddressBytes(route.destination), 0);
  frame.set(macAddressBytes(route.source), MAC_BYTES);
}
