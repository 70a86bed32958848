/** What is told of the packets: notes, traffic, and the events that people read. */
import type { EventView, OutcomesView, TrafficView, TroubleView } from './data-path.ts';
import type { EventType, Note } from './words.ts';
import { SECOND_TICKS, type Ticks } from './world.ts';

type Outcomes = { -readonly [K in keyof OutcomesView]: OutcomesView[K] };
type Traffic = { -readonly [K in keyof TrafficView]: TrafficView[K] };

/** More than any table of the suite has listeners or backends. */
export const COUNTED = 8;

export class Journal {
  readonly listeners = newTraffic();
  readonly backends = newTraffic();
  readonly trouble = new Map<number, TroubleView>();
  readonly outcomes = Array.from({ length: COUNTED }, (): Outcomes => ({
    answered: 0,
    resetsClient: 0,
    resetsServer: 0,
  }));
  readonly events: EventView[] = [];
  readonly #sent = new Map<EventType, Ticks>();
  #notes: Note[] = [];

  note(note: Note): void {
    this.#notes.push(note);
  }

  /** Those since the last call: of one packet. */
  takeNotes(): Note[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  tell(event: EventView): void {
    this.events.push(event);
  }

  /** For events that a flood would repeat: at most one a second of each type. */
  tellSeldom(event: EventView, now: Ticks): void {
    const sent = this.#sent.get(event.type);
    if (sent !== undefined && now - sent < SECOND_TICKS) return;
    this.#sent.set(event.type, now);
    this.tell(event);
  }
}

function newTraffic(): Traffic[] {
  return Array.from({ length: COUNTED }, () => ({
    connections: 0,
    packetsIn: 0,
    bytesIn: 0,
    packetsOut: 0,
    bytesOut: 0,
    refused: 0,
    toaInserted: 0,
    toaNotInserted: 0,
    toaAnnounced: 0,
    toaNotDelivered: 0,
  }));
}
