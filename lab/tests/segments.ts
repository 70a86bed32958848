/** The TCP segments of a capture, with what their TOA options say. */

import assert from 'node:assert/strict';
import { formatEndpoint, formatIpv4Address } from '../../packet/address.ts';
import { parseFrame } from '../../packet/parse.ts';
import type { TcpOption } from '../../packet/tcp-options.ts';
import { readCapture } from '../capture.ts';

export type Segment = {
  source: string;
  flags: string;
  sequence: number;
  acknowledgment: number;
  bytes: number;
  options: readonly TcpOption[];
  /** What its TOA options say. */
  toas: string[];
};

export function segments(file: string | undefined): Segment[] {
  assert.ok(file !== undefined);
  return readCapture(file).flatMap(({ bytes }) => {
    const found = parseFrame(bytes);
    if (!found.ok || found.value.kind !== 'tcp') return [];
    const { ipv4, tcp, payload } = found.value;
    const source = `${formatIpv4Address(ipv4.source)}:${tcp.sourcePort}`;
    const { flags, sequence, acknowledgment, options } = tcp;
    const toas = options.flatMap((option) =>
      option.kind === 'toa' && option.family === 'ipv4' ? [formatEndpoint(option.client)] : [],
    );
    return [{ source, flags, sequence, acknowledgment, bytes: payload.length, options, toas }];
  });
}

export const isSyn = ({ flags }: Segment) => flags === 'S';
export const isFromLocal = ({ source }: Segment) => source.startsWith('10.0.124.');

export function assertNoToa(file: string | undefined): void {
  const all = segments(file);
  assert.ok(all.length > 0);
  assert.deepEqual(
    all.flatMap(({ toas }) => toas),
    [],
  );
}
