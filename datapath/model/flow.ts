/** A TCP flow as one side puts it on the wire. */
import { formatEndpoint, type Endpoint } from '../../packet/index.ts';
import type { Tuple } from './data-path.ts';

export interface Flow {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/** The tuple of an answer to a packet with this one. */
export function reversed({ from, to }: Flow): Flow {
  return { from: to, to: from };
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

/** `10.0.88.100:21521>10.0.23.111:18056` */
export function tupleOf({ from, to }: Flow): Tuple {
  return `${formatEndpoint(from)}>${formatEndpoint(to)}`;
}

/** The same for machines. */
export function keyOf({ from, to }: Flow): string {
  return `${from.address}:${from.port}>${to.address}:${to.port}`;
}

export function endpointKey({ address, port }: Endpoint): number {
  return address * 0x1_0000 + port;
}
