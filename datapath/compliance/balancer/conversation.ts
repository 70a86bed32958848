/** One connection between client and backend, segment by segment; rows are made of its pieces. */
import {
  mss,
  nop,
  sackPermitted,
  timestamps,
  toa,
  windowScale,
  type TcpPacketFields,
} from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import { CLIENT, fromBackend, fromClient, toBackend, toClient } from '../network.ts';
import { fromBack, fromFront, sent, type Step } from '../row.ts';
import type { Note } from '../../binding/verdicts.ts';

export type Segment = Partial<TcpPacketFields> & Pick<TcpPacketFields, 'flags'>;
type BalancerStep = Step<BalancerTables>;

/** Initial sequence numbers. */
export const CLIENT_ISN = 1000;
export const SERVER_ISN = 5000;
/** What Linux puts into a SYN. */
export const SYN_OPTIONS = [mss(1460), sackPermitted, timestamps(7), nop, windowScale(7)];

export const SYN: Segment = { flags: 'S', sequence: CLIENT_ISN, options: SYN_OPTIONS };
export const SYN_ACK: Segment = {
  flags: 'SA',
  sequence: SERVER_ISN,
  acknowledgment: CLIENT_ISN + 1,
  options: SYN_OPTIONS,
};
export const ACK: Segment = {
  flags: 'A',
  sequence: CLIENT_ISN + 1,
  acknowledgment: SERVER_ISN + 1,
};
export const CLIENT_DATA: Segment = { ...ACK, flags: 'PA', payload: 'GET /' };
export const SERVER_ACK: Segment = {
  flags: 'A',
  sequence: SERVER_ISN + 1,
  acknowledgment: CLIENT_ISN + 1,
};
export const SERVER_DATA: Segment = { ...SERVER_ACK, flags: 'PA', payload: '200 OK' };
export const CLIENT_FIN: Segment = { ...ACK, flags: 'FA' };
export const SERVER_FIN: Segment = { ...SERVER_ACK, flags: 'FA' };
export const CLIENT_RST: Segment = { flags: 'R', sequence: CLIENT_ISN + 1 };
export const SERVER_RST: Segment = { flags: 'R', sequence: SERVER_ISN + 1 };

/** The client's segment goes through and changes in nothing but its addresses. */
export function up(segment: Segment, ...notes: Note[]): BalancerStep {
  return fromFront(fromClient(segment), sent('to-backend', toBackend(segment), ...notes));
}

/** The same, and TOA is put in front of its options. */
export function upWithToa(segment: Segment, ...notes: Note[]): BalancerStep {
  const grown = { ...segment, options: [toa(CLIENT), ...(segment.options ?? [])] };
  return fromFront(fromClient(segment), sent('to-backend', toBackend(grown), ...notes));
}

/** The backend's segment goes through. */
export function down(segment: Segment, ...notes: Note[]): BalancerStep {
  return fromBack(fromBackend(segment), sent('to-client', toClient(segment), ...notes));
}

export const OPENED: readonly BalancerStep[] = [upWithToa(SYN)];
export const ANSWERED: readonly BalancerStep[] = [...OPENED, down(SYN_ACK)];
export const ESTABLISHED: readonly BalancerStep[] = [...ANSWERED, up(ACK)];
export const CLOSED: readonly BalancerStep[] = [...ESTABLISHED, up(CLIENT_FIN), down(SERVER_FIN)];

/** So many bytes, each another than its neighbours. */
export function bytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => i * 7 + 1);
}
