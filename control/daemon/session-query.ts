/** The parameters of `get sessions` that both roles take, and the filter they make. */
import { parseEndpoint, parseIpv4Address } from '../../packet/address.ts';
import { parsed, type ParsedText } from '../../packet/parsed.ts';
import {
  SESSION_KIND,
  SESSION_STATE,
  type SessionKind,
  type SessionState,
} from '../../datapath/binding/contract.ts';
import { oneOf, textReader, wholeNumber } from '../api/query.ts';
import { parseDurationMs } from '../config/duration.ts';
import { every, inState, isOlder, ofKind, type End, type SlotFilter } from './slot-filter.ts';

export const LIMIT_DEFAULT = 1_000;
/** Of one answer; `continue` gives the next. More rows at a time would keep the event loop waiting, for memory to be collected. */
const LIMIT_MOST = 2_000;
/** More slots than any table has. */
const CURSOR_MOST = 2 ** 31;

const SHOWN_STATES = (Object.keys(SESSION_STATE) as SessionState[]).filter(
  (state) => state !== 'free' && state !== 'dead',
);

export const limitReader = wholeNumber(1, LIMIT_MOST, 'rows at most');

export const sessionReaders = {
  limit: limitReader,
  continue: wholeNumber(
    0,
    CURSOR_MOST,
    'what the header x-fullnat-continue of the page before said',
  ),
  state: oneOf(SHOWN_STATES, 'only sessions in this state'),
  kind: oneOf(Object.keys(SESSION_KIND) as SessionKind[], 'only sessions of this kind'),
  minAge: textReader(parseDurationMs, 'only sessions at least so old: 30s, 5m, 2h'),
};

export type SessionQuery = {
  readonly limit?: number;
  readonly continue?: number;
  readonly state?: SessionState;
  readonly kind?: SessionKind;
  /** Milliseconds. */
  readonly minAge?: number;
};

export const wholeEndpointReader = textReader(parseEndpoint, 'an address and a port');

/** `a.b.c.d` or `a.b.c.d:port`. */
export const endReader = textReader((text): ParsedText<End> => {
  if (text.includes(':')) return parseEndpoint(text);
  const read = parseIpv4Address(text);
  return read.ok ? parsed({ address: read.value }) : read;
}, 'only sessions with this address, or address:port');

/** What both roles have; `ends` are the filters of a role's own parameters. */
export function filterOf(
  { state, kind, minAge }: SessionQuery,
  nowTicks: number,
  ends: readonly (SlotFilter | undefined)[],
): SlotFilter {
  const filters = [
    ...(state === undefined ? [] : [inState(state)]),
    ...(kind === undefined ? [] : [ofKind(kind)]),
    ...ends.filter((filter) => filter !== undefined),
    ...(minAge === undefined ? [] : [isOlder(minAge / 1_000, nowTicks)]),
  ];
  return every(...filters);
}
