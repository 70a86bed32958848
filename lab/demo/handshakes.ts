/** SYNs and SYN+ACKs at the four capture points, and one connection followed through them. */

import { formatEndpoint } from '../../packet/address.ts';
import { parseFrame, type Ipv4Packet } from '../../packet/parse.ts';
import { hasFlag } from '../../packet/tcp.ts';
import { formatToaClient } from '../../packet/toa.ts';
import type { Nanoseconds } from '../../packet/unit.ts';
import { captured, readCapture, type CapturePoint } from '../capture.ts';

export type TcpPacket = Extract<Ipv4Packet, { kind: 'tcp' }>;
export type Segment = { point: CapturePoint; time: Nanoseconds; packet: TcpPacket };

/** What was seen of one connection at one point. */
export type Sighting = { point: CapturePoint; syns: Segment[]; answers: Segment[] };

/** In the order in which a SYN passes them. */
export const POINTS: readonly CapturePoint[] = ['client', 'host-nic', 'host-vnic', 'server'];

/** As the report says it, and without the balancer's health checks. */
export const FILTER = 'tcp[13] & 2 == 2 and not host 10.0.23.1';

const SNAP_BYTES = 128;

/** Runs `action` while handshakes are captured at all points. */
export async function watchHandshakes<T>(
  instance: string,
  action: () => Promise<T>,
): Promise<{ result: T; segments: Segment[] }> {
  const options = { filter: FILTER, snapBytes: SNAP_BYTES };
  const { result, files } = await captured(instance, POINTS, options, action);
  const segments = [...files].flatMap(([point, file]) =>
    readCapture(file).flatMap(({ time, bytes, onWireBytes }): Segment[] => {
      const packet = parseFrame(bytes, onWireBytes);
      return packet.ok && packet.value.kind === 'tcp'
        ? [{ point, time, packet: packet.value }]
        : [];
    }),
  );
  return { result, segments };
}

/**
 * The connection that left the client as `from` to `to`, at each point. Its addresses
 * change on the way; its initial sequence number does not.
 */
export function follow(segments: readonly Segment[], from: string, to: string): Sighting[] {
  const first = segments.find(
    (segment) =>
      segment.point === 'client' &&
      isSyn(segment) &&
      sourceOf(segment) === from &&
      destinationOf(segment) === to,
  );
  return POINTS.map((point) => {
    const here = segments.filter((segment) => first !== undefined && segment.point === point);
    const isn = first?.packet.tcp.sequence ?? 0;
    return {
      point,
      syns: here.filter((segment) => isSyn(segment) && segment.packet.tcp.sequence === isn),
      answers: here.filter(
        (segment) => !isSyn(segment) && segment.packet.tcp.acknowledgment === (isn + 1) % 2 ** 32,
      ),
    };
  });
}

export function sourceOf({ packet: { ipv4, tcp } }: Segment): string {
  return formatEndpoint({ address: ipv4.source, port: tcp.sourcePort });
}

export function destinationOf({ packet: { ipv4, tcp } }: Segment): string {
  return formatEndpoint({ address: ipv4.destination, port: tcp.destinationPort });
}

/** `10.0.88.100:21521`, undefined when the segment carries none. */
export function toaOf({ packet }: Segment): string | undefined {
  const option = packet.tcp.options.find(({ kind }) => kind === 'toa');
  return option?.kind === 'toa' ? formatToaClient(option) : undefined;
}

function isSyn({ packet }: Segment): boolean {
  return !hasFlag(packet.tcp, 'A');
}
