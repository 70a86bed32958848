/** packet: bytes ↔ meaning. Pure; runs in Node and in a browser. */
export * from './address.ts';
export * from './address-range.ts';
export * from './build.ts';
export * from './bytes.ts';
export * from './checksum.ts';
export * from './ethernet.ts';
export * from './icmp.ts';
export * from './ipv4.ts';
export * from './ipv6-address.ts';
export * from './parse.ts';
export * from './parsed.ts';
export * from './tcp.ts';
export * from './tcp-options.ts';
export * from './toa.ts';
export * from './unit.ts';
