/** Random values for property tests, here and in other layers; not in index.ts, for it needs fast-check. */
import fc from 'fast-check';
import { ipv4Address, port, type Endpoint, type Ipv4Address } from './address.ts';
import type { TcpPacketFields } from './build.ts';
import { ipv6AddressFromBytes } from './ipv6-address.ts';
import { encodeTcpOptions, TCP_OPTIONS_MAX_BYTES, type TcpOption } from './tcp-options.ts';
import { TOA_NUMBERS, type Toa } from './toa.ts';

/** fast-check's own makes objects without a prototype now and then, and those equal no parser's. */
export function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(fields, { noNullPrototype: true });
}

export function anyBytes(min: number, max: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: min, maxLength: max });
}

export function anyUnsigned(bits: 8 | 16 | 32): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 2 ** bits - 1 });
}

export function anyIpv4Address(): fc.Arbitrary<Ipv4Address> {
  return anyUnsigned(32).map(ipv4Address);
}

export function anyEndpoint(): fc.Arbitrary<Endpoint> {
  return record({ address: anyIpv4Address(), port: anyUnsigned(16).map(port) });
}

export function anyToa(): fc.Arbitrary<Toa> {
  const number = fc.constantFrom(...TOA_NUMBERS);
  const client6 = record({
    address: anyBytes(16, 16).map(ipv6AddressFromBytes),
    port: anyUnsigned(16).map(port),
  });
  return fc.oneof(
    record({ number, family: fc.constant('ipv4'), client: anyEndpoint() }),
    record({ number, family: fc.constant('ipv6'), client: client6 }),
  );
}

/** A well-formed option, `end` excepted, that is not longer than the option space. */
export function anyTcpOption(): fc.Arbitrary<TcpOption> {
  const edge = anyUnsigned(32);
  const blocks = fc.array(record({ left: edge, right: edge }), { minLength: 1, maxLength: 4 });
  return fc.oneof(
    fc.constant<TcpOption>({ kind: 'nop' }),
    record({ kind: fc.constant('mss'), bytes: anyUnsigned(16) }),
    record({ kind: fc.constant('window-scale'), shift: anyUnsigned(8) }),
    fc.constant<TcpOption>({ kind: 'sack-permitted' }),
    record({ kind: fc.constant('sack'), blocks }),
    record({ kind: fc.constant('timestamps'), value: edge, echo: edge }),
    record({ kind: fc.constant('fast-open'), cookie: anyBytes(0, 16) }),
    anyToa().map((toa): TcpOption => ({ kind: 'toa', ...toa })),
    record({
      kind: fc.constant('unknown'),
      number: fc.constantFrom(6, 19, 30, 69, 128),
      data: anyBytes(0, 12),
    }),
  );
}

/** As many options as fit. */
export function anyTcpOptions(): fc.Arbitrary<TcpOption[]> {
  return fc.array(anyTcpOption(), { maxLength: 8 }).map((options) => {
    let kept = options;
    while (encodeTcpOptions(kept).length > TCP_OPTIONS_MAX_BYTES) kept = kept.slice(0, -1);
    return kept;
  });
}

/** Everything that can be said about a frame without making it unusual or wrong. */
export interface UsualFields extends Required<Omit<TcpPacketFields, Unusual>> {
  readonly from: Endpoint;
  readonly to: Endpoint;
}
type Unusual = 'ethernet' | 'fragment' | 'badChecksum' | 'ipv4' | 'tcp' | 'cutTo';

/** What `tcp()` makes a correct frame from. */
export function anyTcpPacketFields(): fc.Arbitrary<UsualFields> {
  const flag = fc.subarray(['F', 'S', 'R', 'P', 'A', 'U', 'E', 'W']);
  return record({
    from: anyEndpoint(),
    to: anyEndpoint(),
    flags: flag.map((letters) => letters.join('')),
    sequence: anyUnsigned(32),
    acknowledgment: anyUnsigned(32),
    window: anyUnsigned(16),
    urgentPointer: anyUnsigned(16),
    options: anyTcpOptions(),
    payload: anyBytes(0, 64),
    ttl: anyUnsigned(8),
    trafficClass: anyUnsigned(8),
    identification: anyUnsigned(16),
    dontFragment: fc.boolean(),
    ipOptions: fc.integer({ min: 0, max: 10 }).chain((words) => anyBytes(words * 4, words * 4)),
    trailer: anyBytes(0, 8),
  });
}
