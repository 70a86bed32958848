/** The ICMP error that answers a segment, as if the addressee had sent it. */
import {
  concat,
  encodeIcmp,
  encodeIpv4,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  PROTOCOL_ICMP,
  type Ipv4Address,
} from '../../packet/index.ts';
import { IP_AT, OPTIONS_AT, type Segment } from './segment.ts';
import type { Verdict } from './words.ts';

const MAC_BYTES = 6;
const TTL = 64;
/** Precedence of ICMP errors (RFC 1812 section 4.3.2.5). */
const INTERNETWORK_CONTROL = 0xc0;
const PROHIBITED = 13;
const ANSWERED = /^(?:answer-|prohibited$)/;

export function isAnswered(verdict: Verdict): boolean {
  return ANSWERED.test(verdict);
}

/** The verdict of a packet that would be answered, and is not. */
export function dropInstead(verdict: Verdict): Verdict {
  return verdict.replace(ANSWERED, 'drop-') as Verdict;
}

/** No error to what is not one host's address (RFC 1122 section 3.2.2). */
export function isOneHost(address: Ipv4Address): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

/** It leaves by the interface and for the link-layer address that the segment came from. */
export function errorFor(segment: Segment, verdict: Verdict): Uint8Array {
  const { flow, frame } = segment;
  const message = encodeIcmp({ ...kindOf(segment, verdict), body: frame.slice(IP_AT, OPTIONS_AT) });
  const ipv4 = encodeIpv4({
    source: flow.to.address,
    destination: flow.from.address,
    protocol: PROTOCOL_ICMP,
    trafficClass: INTERNETWORK_CONTROL,
    identification: 0,
    reservedFlag: false,
    dontFragment: true,
    moreFragments: false,
    fragmentOffsetBytes: 0,
    ttl: TTL,
    options: new Uint8Array(0),
    payloadBytes: message.length,
  });
  const [destination, source] = [frame.subarray(0, MAC_BYTES), frame.subarray(MAC_BYTES, 12)];
  return concat(source, destination, frame.subarray(12, IP_AT), ipv4, message);
}

function kindOf({ nextHopMtuBytes }: Segment, verdict: Verdict) {
  if (verdict === 'answer-ttl') return { type: ICMP_TIME_EXCEEDED, code: 0, parameter: 0 };
  return verdict === 'answer-too-big'
    ? { type: ICMP_UNREACHABLE, code: ICMP_FRAGMENTATION_NEEDED, parameter: nextHopMtuBytes }
    : { type: ICMP_UNREACHABLE, code: PROHIBITED, parameter: 0 };
}
