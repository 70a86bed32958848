/** The ICMP errors that the balancer makes itself, of packets that end in it. */
import {
  formatIpv4Address,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  icmpError,
  parseFrame,
} from '../../../packet/index.ts';
import type { Side, Verdict } from '../../model/index.ts';
import { BACK_MTU_BYTES, linkTo } from '../network.ts';
import { sent, type Expectation } from '../row.ts';

export type AnsweredVerdict = Extract<Verdict, `answer-${string}` | 'prohibited'>;

const PROHIBITED = 13;
/** RFC 1812 section 4.3.2.5: precedence "internetwork control". */
const TRAFFIC_CLASS = 0xc0;
/** The fixed TCP header: the least that every packet of ours has. */
const QUOTED_BYTES = 20;

/** `frame` came from this side, and goes back there inside an error of our own. */
export function answered(verdict: AnsweredVerdict, side: Side, frame: Uint8Array): Expectation {
  const packet = parseFrame(frame);
  if (!packet.ok || packet.value.kind !== 'tcp') throw new RangeError('only TCP is answered');
  const { source, destination } = packet.value.ipv4;
  const answer = icmpError({
    ...{ ethernet: linkTo(side), trafficClass: TRAFFIC_CLASS },
    ...{ from: formatIpv4Address(destination), to: formatIpv4Address(source) },
    ...{ ...kindOf(verdict), about: frame, quotedBytes: QUOTED_BYTES },
  });
  return sent(verdict, answer);
}

function kindOf(verdict: AnsweredVerdict): { type: number; code: number; parameter?: number } {
  switch (verdict) {
    case 'answer-too-big':
      return {
        type: ICMP_UNREACHABLE,
        code: ICMP_FRAGMENTATION_NEEDED,
        parameter: BACK_MTU_BYTES,
      };
    case 'answer-ttl':
      return { type: ICMP_TIME_EXCEEDED, code: 0 };
    case 'prohibited':
      return { type: ICMP_UNREACHABLE, code: PROHIBITED };
  }
}
