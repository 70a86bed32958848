/**
 * Which session slots are wanted, told from their bytes: a table of two million is read through in a
 * fraction of a second when only what is shown is made into values.
 */
import type { Ipv4Address, Port } from '../../packet/address.ts';
import { offsetsOf } from '../../datapath/binding/codec.ts';
import {
  flow4,
  SESSION_KIND,
  SESSION_STATE,
  sessionSlot,
  type SessionKind,
  type SessionState,
} from '../../datapath/binding/contract.ts';
import { secondsSince } from '../../datapath/binding/sessions.ts';

/** `slots` has the slot's bytes from `at` on. */
export type SlotFilter = (slots: Buffer, at: number) => boolean;

/** An address, or an address and a port. */
export type End = { readonly address: Ipv4Address; readonly port?: Port };

const SLOT = offsetsOf(
  sessionSlot,
  ...(['front', 'back', 'word', 'created', 'kind', 'wantedPort'] as const),
);
const FLOW = offsetsOf(
  flow4,
  ...(['sourceAddr', 'sourcePort', 'destinationAddr', 'destinationPort'] as const),
);

/** The state is the low byte of the word, and words are little-endian. */
const STATE_AT = SLOT.word;

export const isSession: SlotFilter = (slots, at) => {
  const state = slots[at + STATE_AT];
  return state !== SESSION_STATE.free && state !== SESSION_STATE.dead;
};

export function inState(state: SessionState): SlotFilter {
  const wanted = SESSION_STATE[state];
  return (slots, at) => slots[at + STATE_AT] === wanted;
}

export function ofKind(kind: SessionKind): SlotFilter {
  const wanted = SESSION_KIND[kind];
  return (slots, at) => slots[at + SLOT.kind] === wanted;
}

export function isOlder(seconds: number, nowTicks: number): SlotFilter {
  return (slots, at) => secondsSince(slots.readUInt32LE(at + SLOT.created), nowTicks) >= seconds;
}

/** Where packets of one side come from. */
export function comesFrom(side: 'front' | 'back', end: End): SlotFilter {
  return endAt(SLOT[side] + FLOW.sourceAddr, SLOT[side] + FLOW.sourcePort, end);
}

/** Where packets of one side go to, before they are translated. */
export function goesTo(side: 'front' | 'back', end: End): SlotFilter {
  return endAt(SLOT[side] + FLOW.destinationAddr, SLOT[side] + FLOW.destinationPort, end);
}

/** The agent's: the client whose address was put back, with the port that it had. */
export function restores(end: End): SlotFilter {
  const isOfClient = endAt(SLOT.back + FLOW.destinationAddr, SLOT.wantedPort, end);
  return every(ofKind('restored'), isOfClient);
}

export function not(filter: SlotFilter): SlotFilter {
  return (slots, at) => !filter(slots, at);
}

export function every(...filters: readonly SlotFilter[]): SlotFilter {
  return (slots, at) => filters.every((filter) => filter(slots, at));
}

export function some(...filters: readonly SlotFilter[]): SlotFilter {
  return (slots, at) => filters.some((filter) => filter(slots, at));
}

function endAt(addressAt: number, portAt: number, { address, port }: End): SlotFilter {
  return (slots, at) =>
    slots.readUInt32BE(at + addressAt) === address &&
    (port === undefined || slots.readUInt16BE(at + portAt) === port);
}
