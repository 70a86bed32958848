/** The audit log: one JSON line for everything that was changed, or was to be. Lines are only ever added. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../daemon/failure.ts';
import type { Log } from '../daemon/log.ts';
import type { AuditEntry } from './app.ts';

const FILE_MODE = 0o640;
/** The whole difference is in the revision. */
const DIFFERENCE_MOST = 50;
/** A refusal may quote what was sent. */
const ERROR_MOST = 500;

export type AuditParts = {
  /** The daemon's own. */
  readonly directory: string;
  readonly nowMs: () => number;
  readonly log: Pick<Log, 'error'>;
};

/** Opened for each line: whoever rotates it needs to tell nobody. */
export function auditLog({ directory, nowMs, log }: AuditParts): (entry: AuditEntry) => void {
  const path = join(directory, 'audit.jsonl');
  return ({ status, difference, error, ...entry }) => {
    const line = {
      ...{ time: new Date(nowMs()).toISOString(), ...entry, status },
      result: status < 400 ? 'done' : 'refused',
      difference: difference.slice(0, DIFFERENCE_MOST),
      differences: difference.length,
      ...(error === undefined ? {} : { error: error.slice(0, ERROR_MOST) }),
    };
    try {
      mkdirSync(dirname(path), { recursive: true });
      appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: FILE_MODE });
    } catch (failure) {
      log.error({ ...line, reason: messageOf(failure) }, 'the audit log cannot be written');
    }
  };
}
