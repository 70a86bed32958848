/** What answers the routes of the configuration, for every role. */
import { ApiError } from '../api/api-error.ts';
import type { CONFIG_ROUTES } from '../api/config-routes.ts';
import type { Handlers } from '../api/route.ts';
import { ConfigError } from '../config/problem.ts';
import { isForPeople } from '../daemon/failure.ts';
import {
  ReloadError,
  RevisionConflict,
  UnknownRevision,
  type Configurator,
  type Outcome,
} from './configurator.ts';
import { formatChange } from './difference.ts';
import type { Drift, DriftRow } from './drift.ts';

/** What a configuration is called that came without a name. */
const UNNAMED = 'request';

export function configHandlers<C extends { readonly instance: string }>(
  configurator: Configurator<C>,
  drift: Drift,
): Handlers<typeof CONFIG_ROUTES> {
  const revisionOf = () => configurator.state.configRevision;
  const answered = (outcome: Outcome) => ({
    value: { ...outcome, changes: [...outcome.changes], drift: drift.rows() },
    revision: outcome.revision,
    difference: outcome.applied ? outcome.changes.map(formatChange) : [],
  });
  return {
    config: () => ({ text: configurator.current.text, revision: revisionOf() }),
    applyConfig: async ({ body, query, who, ifRevision }) => {
      const { dryRun: isDryRun = false, takeBack = false, file = UNNAMED } = query;
      const origin = { who: who.name, how: 'apply', file } as const;
      const outcome = await refusing(() =>
        configurator.propose(body, origin, { isDryRun, ifRevision }),
      );
      const taken = takeBack && !isDryRun ? drift.takeBack() : [];
      const answer = answered(outcome);
      return { ...answer, difference: [...answer.difference, ...taken.map(formatDrift)] };
    },
    diffConfig: async ({ body, query: { file = UNNAMED }, who }) => {
      const origin = { who: who.name, how: 'apply', file } as const;
      return answered(await refusing(() => configurator.propose(body, origin, { isDryRun: true })));
    },
    drift: () => ({ rows: drift.rows() }),
    revisions: () => ({
      rows: configurator.revisions.map((row) => ({
        ...row,
        inForce: row.revision === revisionOf(),
      })),
    }),
    revision: ({ parts }) => {
      const number = /^[1-9]\d{0,8}$/.test(parts['revision'] ?? '')
        ? Number(parts['revision'])
        : NaN;
      if (Number.isNaN(number))
        throw new ApiError(400, `'${parts['revision']}' is not the number of a revision`);
      return refusingNow(() => ({ text: configurator.textOf(number), revision: number }));
    },
    rollback: async ({ query: { revision, dryRun: isDryRun = false }, who, ifRevision }) =>
      answered(
        await refusing(() => configurator.rollback(revision, who.name, { isDryRun, ifRevision })),
      ),
  };
}

function formatDrift({ path, file, now }: DriftRow): string {
  return `${path}: ${now} → ${file} (taken back)`;
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asRefusal(error);
  }
}

function refusingNow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asRefusal(error);
  }
}

/** What the configuration asks for cannot be had: no fault of the daemon. */
function asRefusal(error: unknown): unknown {
  if (error instanceof ConfigError)
    return new ApiError(422, error.message, { details: { problems: error.problems } });
  if (error instanceof RevisionConflict)
    return new ApiError(409, error.message, { details: { revision: error.inForce } });
  if (error instanceof UnknownRevision) return new ApiError(404, error.message);
  if (error instanceof ReloadError || isForPeople(error)) return new ApiError(422, error.message);
  return error;
}
