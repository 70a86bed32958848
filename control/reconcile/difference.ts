/** What differs between two configurations, by the names of what they configure. */
import { isDeepStrictEqual } from 'node:util';
import { formatDurationMs } from '../config/duration.ts';
import { breather } from '../daemon/breath.ts';
import { plainOf, singleText, type Plain, type PlainObject } from './plain.ts';

export type Change = {
  readonly op: 'add' | 'remove' | 'change';
  /** `pools.web.backends.10.0.98.79:8056.weight`. */
  readonly path: string;
  /** As a file has it; absent for what is added, or removed. */
  readonly from?: string;
  readonly to?: string;
};

/** Of a long list, in one line. */
const SHOWN_ELEMENTS = 5;
/** By which members an element of a list goes on being the same one. */
const IDENTITIES = ['address', 'addresses', 'name'] as const;

/**
 * Lists are sets here: a backend that stands elsewhere in its list is the same backend.
 * The role of the whole is no part of what a file says.
 */
export async function differenceOf(before: object, after: object): Promise<Change[]> {
  const changes: Change[] = [];
  const breathe = breather();
  const compare = async (path: string, a: unknown, b: unknown): Promise<void> => {
    await breathe();
    if (a === b) return;
    if (isListOfObjects(a) && isListOfObjects(b)) return compareElements(path, a, b);
    if (isKeyed(a) && isKeyed(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        if (path !== '' || key !== 'role')
          await compare(joined(path, nameOf(key)), valueOf(key, a), valueOf(key, b));
      return;
    }
    if (Array.isArray(a) && Array.isArray(b)) {
      if (!(await isSameList(a, b))) changes.push(await setChange(path, a, b));
    } else if (!isDeepStrictEqual(a, b)) changes.push(changeOf(path, a, b));
  };
  const compareElements = async (path: string, a: readonly object[], b: readonly object[]) => {
    const [old, fresh] = [byIdentity(a), byIdentity(b)];
    for (const [id, element] of old)
      if (!fresh.has(id)) changes.push(changeOf(joined(path, id), element, undefined));
    for (const [id, element] of fresh) await compare(joined(path, id), old.get(id), element);
  };
  await compare('', before, after);
  return changes;
}

/** @example formatChange({ op: 'change', path: 'pools.web.backends.a.weight', from: '1', to: '3' }) // '~ pools.web.backends.a.weight: 1 → 3' */
export function formatChange({ op, path, from, to }: Change): string {
  switch (op) {
    case 'add':
      return `+ ${path}: ${to ?? ''}`;
    case 'remove':
      return `- ${path}: ${from ?? ''}`;
    case 'change':
      return `~ ${path}: ${from ?? ''} → ${to ?? ''}`;
  }
}

function changeOf(path: string, a: unknown, b: unknown): Change {
  if (a === undefined) return { op: 'add', path, to: textOf(plainOf(b)) };
  if (b === undefined) return { op: 'remove', path, from: textOf(plainOf(a)) };
  return { op: 'change', path, from: textOf(plainOf(a)), to: textOf(plainOf(b)) };
}

/** Ranges of addresses, interfaces: what has gone and what has come, not both lists whole. */
async function setChange(
  path: string,
  a: readonly unknown[],
  b: readonly unknown[],
): Promise<Change> {
  const [old, fresh] = [await textsOf(a), await textsOf(b)];
  const gone = [...old].filter((one) => !fresh.has(one));
  const come = [...fresh].filter((one) => !old.has(one));
  const from = gone.length === 0 ? `${old.size} elements` : `without ${some(gone)}`;
  const to = come.length === 0 ? `${fresh.size} elements` : `with ${some(come)}`;
  return { op: 'change', path, from, to };
}

async function textsOf(list: readonly unknown[]): Promise<ReadonlySet<string>> {
  const breathe = breather();
  const texts = new Set<string>();
  for (const one of list) {
    texts.add(textOf(plainOf(one)));
    await breathe();
  }
  return texts;
}

async function isSameList(a: readonly unknown[], b: readonly unknown[]): Promise<boolean> {
  if (a.length !== b.length) return false;
  const breathe = breather();
  for (const [i, one] of a.entries()) {
    if (!isDeepStrictEqual(one, b[i])) return false;
    await breathe();
  }
  return true;
}

function textOf(value: Plain): string {
  if (Array.isArray(value)) return `[${some(value.map(textOf))}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value as PlainObject).map(
    ([key, one]) => `${key}: ${textOf(one)}`,
  );
  return `{ ${members.join(', ')} }`;
}

function some(texts: readonly string[]): string {
  const more = texts.length - SHOWN_ELEMENTS;
  const shown = texts.slice(0, SHOWN_ELEMENTS).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function byIdentity(list: readonly object[]): Map<string, object> {
  return new Map(list.map((element) => [identityOf(element), element]));
}

function identityOf(element: object): string {
  const members = element as Readonly<Record<string, unknown>>;
  const key = IDENTITIES.find((one) => members[one] !== undefined);
  return textOf(plainOf(key === undefined ? element : members[key]));
}

/** Endpoints and ranges are single values: they have no members that differ by themselves. */
function isKeyed(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    singleText(value) === undefined
  );
}

function isListOfObjects(value: unknown): value is readonly object[] {
  return Array.isArray(value) && (value.length === 0 || isKeyed(value[0]));
}

/** Durations are said as a file has them. */
function nameOf(key: string): string {
  return key.endsWith('Ms') ? key.slice(0, -2) : key;
}

function valueOf(key: string, of: Readonly<Record<string, unknown>>): unknown {
  const value = of[key];
  return key.endsWith('Ms') && typeof value === 'number' ? formatDurationMs(value) : value;
}

function joined(path: string, step: string): string {
  return path === '' ? step : `${path}.${step}`;
}
