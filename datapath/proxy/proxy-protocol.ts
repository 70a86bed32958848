/**
 * PROXY protocol, version 2: what is said to a backend before the client's first byte, so
 * that it knows who connects (haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2.2).
 *
 *   0                            12   13   14       16        20        24    26    28
 *   ├ 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A ┤ 21 ┤ 11 ┤ length ┤ source  ┤ dest.   ┤ sport ┤ dport ┤
 *   signature                      version 2, PROXY  TCP over IPv4
 */
import type { Endpoint } from '../../packet/address.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const VERSION_AND_COMMAND = 0x21;
const TCP_OVER_IPV4 = 0x11;
/** Two addresses and two ports. */
const ADDRESS_BYTES = 12;

/** `listener` is where the client thinks that it is. */
export function proxyHeader(client: Endpoint, listener: Endpoint): Buffer {
  const header = Buffer.alloc(SIGNATURE.length + 4 + ADDRESS_BYTES);
  SIGNATURE.copy(header);
  header.writeUInt8(VERSION_AND_COMMAND, 12);
  header.writeUInt8(TCP_OVER_IPV4, 13);
  header.writeUInt16BE(ADDRESS_BYTES, 14);
  header.writeUInt32BE(client.address, 16);
  header.writeUInt32BE(listener.address, 20);
  header.writeUInt16BE(client.port, 24);
  header.writeUInt16BE(listener.port, 26);
  return header;
}
