/** What an importer makes of another balancer's configuration: what can be carried over, and what cannot. */
import { formatEndpoint, parseEndpoint } from '../../packet/address.ts';

export interface ListenerDraft {
  readonly line: number;
  readonly name?: string;
  readonly address: string;
  readonly pool: string;
  readonly maxSessions?: number;
}

export interface BackendDraft {
  readonly name?: string;
  readonly address: string;
  readonly weight?: number;
  readonly maxSessions?: number;
}

export type HealthDraft =
  | 'off'
  | {
      readonly intervalMs?: number;
      readonly timeoutMs?: number;
      readonly rise?: number;
      readonly fall?: number;
    };

export interface PoolDraft {
  readonly name: string;
  readonly backends: readonly BackendDraft[];
  readonly health?: HealthDraft;
}

/** Something that is not carried over, or not quite, and where it stands. */
export interface Note {
  readonly line: number;
  readonly text: string;
}

export interface Draft {
  readonly listeners: ListenerDraft[];
  readonly pools: PoolDraft[];
  readonly notes: Note[];
}

export type Importer = (text: string) => Draft;

const NAME_LONGEST = 63;

export function emptyDraft(): Draft {
  return { listeners: [], pools: [], notes: [] };
}

/** `address:port` as we write it; otherwise a note says why `what` is left out. */
export function endpointOr(
  draft: Draft,
  line: number,
  what: string,
  text: string,
): string | undefined {
  const read = parseEndpoint(text);
  if (read.ok && read.value.port !== 0) return formatEndpoint(read.value);
  const why = read.ok ? `'${text}' has no port` : read.message;
  draft.notes.push({ line, text: `${what} is left out: ${why}` });
  return undefined;
}

/** Another program's name with the signs that ours may have. */
export function nameOf(text: string): string {
  const name = text.replaceAll(/[^A-Za-z0-9._:-]/g, '-').replace(/^[._:-]+/, '');
  return (name === '' ? 'pool' : name).slice(0, NAME_LONGEST);
}

/** A whole number that stands in words of another program, if it is one. */
export function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** What is `undefined` is left away: an absent key means the default. */
export function given<T extends object>(fields: {
  [K in keyof T]: T[K] | undefined;
}): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
