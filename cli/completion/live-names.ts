/** Names that only a running daemon knows, asked for while somebody waits for a completion. */
import { readdirSync } from 'node:fs';
import type { Target } from '../api/call.ts';
import { ask, type Row } from '../daemons.ts';
import { readInstance } from '../instance.ts';
import type { Candidate } from './complete.ts';

export type LiveName = 'instance' | 'pool' | 'listener' | 'backend' | 'client' | 'local';

const SOCKETS = '/run/fullnat';
/** Longer than this, and the TAB key seems broken. */
const PATIENCE_MS = 400;
/** Nobody reads a longer list. */
const CLIENTS_MOST = 200;

/** Nothing where no daemon answers, or not at once: whoever types is not interested in why. */
export async function liveNames(
  name: LiveName,
  given: ReadonlyMap<string, string>,
): Promise<readonly Candidate[]> {
  if (name === 'instance') return instances();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Candidate[]>((resolve) => {
    timer = setTimeout(() => resolve([]), PATIENCE_MS);
  });
  try {
    return await Promise.race([asked(name, given), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

async function asked(
  name: Exclude<LiveName, 'instance'>,
  given: ReadonlyMap<string, string>,
): Promise<readonly Candidate[]> {
  const rows = async (resource: string, limit?: number) => {
    const { rows: found } = await ask(resource, {
      instance: readInstance(given.get('instance') ?? 'default'),
      target: targetIn(given.get('socket')),
      daemons: ['balancer'],
      ...(limit === undefined ? {} : { limit }),
    });
    return found;
  };
  switch (name) {
    case 'pool':
      return distinct((await rows('backends')).map((row) => ({ word: text(row, 'pool') })));
    case 'listener':
      return distinct((await rows('listeners')).flatMap(nameAndAddress));
    case 'backend':
      return distinct((await rows('backends')).flatMap(nameAndAddress));
    case 'local':
      return distinct((await rows('locals')).map((row) => ({ word: text(row, 'address') })));
    case 'client': {
      const sessions = await rows('sessions', CLIENTS_MOST);
      return distinct(sessions.map((row) => ({ word: text(row, 'client').replace(/:\d+$/, '') })));
    }
  }
}

/** Either may be written; what else is known tells them apart. */
function nameAndAddress(row: Row): Candidate[] {
  const [name, address] = [text(row, 'name'), text(row, 'address')];
  const where = [text(row, 'pool'), text(row, 'state')].filter((word) => word !== '').join(', ');
  if (name === address) return [{ word: address, does: where }];
  return [
    { word: name, does: `${address}, ${where}` },
    { word: address, does: `${name}, ${where}` },
  ];
}

function distinct(candidates: readonly Candidate[]): Candidate[] {
  const seen = new Map(candidates.map((candidate) => [candidate.word, candidate]));
  return [...seen.values()].filter(({ word }) => word !== '');
}

function instances(): Candidate[] {
  try {
    return readdirSync(SOCKETS).map((word) => ({ word }));
  } catch {
    return [];
  }
}

function text(row: Row, field: string): string {
  const value = row[field];
  return typeof value === 'string' ? value : '';
}

function targetIn(socket: string | undefined): Target | undefined {
  return socket === undefined ? undefined : { kind: 'socket', path: socket };
}
