/** What of a SYN's options tells one system from another, wherever it is captured. */
import type { TcpOption } from '../../packet/tcp-options.ts';

/** Timestamps, NOPs and TOA come and go on the way; the rest stays, MSS excepted in value. */
export function signatureOf(option: TcpOption): string[] {
  switch (option.kind) {
    case 'nop':
    case 'end':
    case 'timestamps':
    case 'toa':
    case 'malformed':
      return [];
    case 'mss':
    case 'sack-permitted':
    case 'sack':
    case 'fast-open':
      return [option.kind];
    case 'window-scale':
      return [`window-scale ${option.shift}`];
    case 'unknown':
      return [`${option.number}`];
  }
}
