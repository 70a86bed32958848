/** What is not for a listener or a local passes byte for byte, whatever it is. */
import { ethernet, icmpEcho, ip, tcp, udp } from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import { BACKEND, CLIENT, fromClient, LOCAL, WEB } from '../network.ts';
import { fromBack, fromFront, passed, type Row } from '../row.ts';
import { bytes, ESTABLISHED, SYN } from './conversation.ts';

const FOREIGN: readonly [name: string, frame: Uint8Array][] = [
  [
    'a SYN to another port of a listener’s address',
    fromClient({ ...SYN, to: '10.0.23.111:18057' }),
  ],
  ['a SYN to port 0 of it', fromClient({ ...SYN, to: '10.0.23.111:0' })],
  ['a SYN to another address', fromClient({ ...SYN, to: '10.0.23.112:18056' })],
  ['a SYN straight to a backend', fromClient({ ...SYN, to: BACKEND })],
  [
    'an ACK to another port of a listener’s address',
    fromClient({ flags: 'A', to: '10.0.23.111:18057' }),
  ],
  ['a RST to nobody we know', fromClient({ flags: 'R', to: '10.9.9.9:9' })],
  ['a packet from a listener’s own address', tcp({ from: WEB, to: CLIENT, flags: 'SA' })],
  ['a packet from a local', tcp({ from: LOCAL, to: BACKEND, flags: 'S' })],
  ['a TTL of 0 to somebody else', tcp({ from: CLIENT, to: BACKEND, flags: 'S', ttl: 0 })],
  [
    'a client’s TOA to somebody else',
    tcp({ from: CLIENT, to: BACKEND, flags: 'S', options: SYN.options ?? [] }),
  ],
  ['an ARP request', ethernet({ etherType: 0x0806, destination: 'ff:ff:ff:ff:ff:ff' }, bytes(46))],
  ['IPv6', ethernet({ etherType: 0x86dd }, Uint8Array.of(0x60, ...bytes(59)))],
  [
    'a frame with a VLAN tag',
    fromClient({ ...SYN, ethernet: { tags: [{ etherType: 0x8100, control: 5 }] } }),
  ],
  ['LLDP', ethernet({ etherType: 0x88cc }, bytes(46))],
  ['IPv6 that says it is IPv4', ethernet({}, Uint8Array.of(0x60, ...bytes(59)))],
  ['UDP', udp({ from: CLIENT, to: BACKEND, payload: bytes(5) })],
  ['a ping', icmpEcho({ from: '10.0.88.100', to: '10.0.98.79', payload: bytes(56) })],
  [
    'SCTP to a listener’s address',
    ip({ from: '10.0.88.100', to: '10.0.23.111', protocol: 132, payload: bytes(40) }),
  ],
  ['an IPv4 header and nothing else', ip({ from: '10.0.88.100', to: '10.0.98.79', protocol: 6 })],
];

export const foreignRows: readonly Row<BalancerTables>[] = FOREIGN.map(([name, frame]) => ({
  name: `${name} passes`,
  steps: [...ESTABLISHED, fromFront(frame, passed), fromBack(frame, passed)],
  after: { sessions: [{ state: 'established' }] },
}));
