/** What tcpdump is asked for: the segments that open and end connections, and what ICMP says of them. */
import { asIpv4Address, formatIpAddress, type IpEndpoint } from '../../packet/ip.ts';

/** `[13] & 7`: SYN, FIN and RST only. IPv6 headers are taken to have no extensions: TCP is at byte 40. */
export function captureFilter(ends: readonly IpEndpoint[]): string {
  const isIpv4 = ({ address }: IpEndpoint) => asIpv4Address(address) !== undefined;
  const [ipv4, ipv6] = [ends.filter(isIpv4), ends.filter((end) => !isIpv4(end))];
  const terms = [
    ...(ipv4.length === 0
      ? []
      : [`(tcp[13] & 7 != 0 and (${anyOf(ipv4)}))`, 'icmp[icmptype] == icmp-unreach']),
    ...(ipv6.length === 0
      ? []
      : [`(ip6[6] == 6 and ip6[53] & 7 != 0 and (${anyOf(ipv6)}))`, '(icmp6 and ip6[40] < 128)']),
  ];
  return terms.join(' or ');
}

function anyOf(ends: readonly IpEndpoint[]): string {
  return ends
    .map(({ address, port }) => `(host ${formatIpAddress(address)} and port ${port})`)
    .join(' or ');
}
