/** What one connection attempt says about its target, in the words of nmap. */

/** How an attempt ended, before anybody judges it. */
export type Ending =
  | { readonly kind: 'connected' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'refused-by-kernel'; readonly code: string; readonly at: 'bind' | 'connect' };

/**
 * open: SYN+ACK came. closed: RST came. filtered: neither, either in silence or with
 * an ICMP error. local-port-busy and error say nothing about the target.
 */
export type Outcome =
  | { readonly state: 'open'; readonly late: boolean }
  | { readonly state: 'closed' }
  | {
      readonly state: 'filtered';
      /** `challenge-ack`: a bare ACK of an older connection came, which only a capture sees. */
      readonly why: 'silent' | 'icmp' | 'challenge-ack';
      readonly code?: string;
    }
  | { readonly state: 'local-port-busy'; readonly code: string }
  | { readonly state: 'error'; readonly code: string };

/**
 * Linux sends a SYN again after 1 s (TCP_TIMEOUT_INIT, RFC 6298 section 2.1). A connect
 * that took this long needed a second SYN, unless the round trip itself is so slow.
 */
export const LATE_MS = 900;

/**
 * What Linux makes of ICMP unreachable, time exceeded and parameter problem
 * (net/ipv4/icmp.c, icmp_err_convert). Port unreachable becomes ECONNREFUSED and
 * cannot be told from a RST here.
 */
const ICMP_CODES = [
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EACCES',
  'EPERM',
  'EHOSTDOWN',
  'ENONET',
  'ENOPROTOOPT',
  'EOPNOTSUPP',
  'EMSGSIZE',
  'EPROTO',
];

/** @example classify({ kind: 'connected' }, 1_003) // { state: 'open', late: true } */
export function classify(ending: Ending, durationMs: number): Outcome {
  switch (ending.kind) {
    case 'connected':
      return { state: 'open', late: durationMs >= LATE_MS };
    case 'timeout':
      return { state: 'filtered', why: 'silent' };
    case 'refused-by-kernel':
      return ending.at === 'bind' ? ofBind(ending.code) : ofConnect(ending.code);
  }
}

/** What packets add to what the socket knows: silence to a socket may be an answer on the wire. */
export function withPackets(outcome: Outcome, { syns, challengeAcks }: PacketsSeen): Outcome {
  if (outcome.state === 'open' && syns > 1) return { state: 'open', late: true };
  const isSilent = outcome.state === 'filtered' && outcome.why === 'silent';
  return isSilent && challengeAcks > 0 ? { ...outcome, why: 'challenge-ack' } : outcome;
}

/** Of one attempt, on the wire of this machine. */
export interface PacketsSeen {
  readonly syns: number;
  /** Segments with ACK alone and no data, before a SYN+ACK (RFC 5961 section 4, RFC 9293 3.10.7.4). */
  readonly challengeAcks: number;
}

function ofBind(code: string): Outcome {
  return { state: code === 'EADDRINUSE' ? 'local-port-busy' : 'error', code };
}

function ofConnect(code: string): Outcome {
  // libuv reports a bind that found the port in use here; EADDRNOTAVAIL is a tuple in use.
  if (code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL') return { state: 'local-port-busy', code };
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return { state: 'closed' };
  if (code === 'ETIMEDOUT') return { state: 'filtered', why: 'silent' };
  if (ICMP_CODES.includes(code)) return { state: 'filtered', why: 'icmp', code };
  return { state: 'error', code };
}

/** One word for lists and filters: the state, and for the special cases what is special. */
export type Label =
  'open' | 'late' | 'closed' | 'silent' | 'icmp' | 'challenge-ack' | 'local-port-busy' | 'error';

export function labelOf(outcome: Outcome): Label {
  switch (outcome.state) {
    case 'open':
      return outcome.late ? 'late' : 'open';
    case 'filtered':
      return outcome.why;
    case 'closed':
    case 'local-port-busy':
    case 'error':
      return outcome.state;
  }
}
