/** When a session has been silent for too long. */
import { secondsSince } from '../binding/sessions.ts';
import type { Session } from './session.ts';

export type Limits = {
  readonly openingMs: number;
  readonly establishedMs: number;
  readonly closingMs: number;
};

/** Ticks, across their wrap. */
export function overdue(
  { state, created, seen }: Pick<Session, 'state' | 'created' | 'seen'>,
  now: number,
  { openingMs, establishedMs, closingMs }: Limits,
): boolean {
  switch (state) {
    case 'opening':
      return secondsSince(created, now) * 1_000 >= openingMs;
    case 'established':
      return secondsSince(seen, now) * 1_000 >= establishedMs;
    case 'closing':
      return secondsSince(seen, now) * 1_000 >= closingMs;
  }
}
