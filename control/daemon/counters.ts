/** The lists of both roles that come straight from counters: drops, notes, info. */
import { readFileSync } from 'node:fs';
import {
  CONTRACT_VERSION,
  SESSION_STATE,
  type SessionState,
  type SweepStats,
} from '../../datapath/binding/contract.ts';
import { programInfo } from '../../datapath/binding/kernel-object.ts';
import type { AnyMaps } from '../../datapath/binding/map-maker.ts';
import type { CommonMaps } from '../../datapath/binding/object-maps.ts';
import type { LoadedObject } from '../../datapath/binding/object.ts';
import type { Role } from '../../datapath/binding/pins.ts';
import {
  NOTE,
  NOTE_MEANING,
  VERDICT,
  VERDICT_MEANING,
  type Note,
  type Verdict,
} from '../../datapath/binding/verdicts.ts';
import type { BaseInfoRow, DropRow, InfoRow, NoteRow, SweepRow } from '../api/rows.ts';
import type { ReloadState } from '../reconcile/configurator.ts';

/** Packets that were not simply passed or translated. */
const FORWARDED: readonly Verdict[] = ['pass', 'to-backend', 'to-client', 'kept'];
const NOT_DELIVERED: Note = 'toa-not-delivered';
const PACKAGE = new URL('../../../package.json', import.meta.url);

export type DaemonFacts = ReloadState & {
  role: Role;
  instance: string;
  configFile: string;
  since: Date;
};

/** What was loaded into the kernel; nothing for who forwards without it. */
export type Loaded = Pick<LoadedObject, 'adopted' | 'programs'>;

type Sums = Pick<CommonMaps['verdicts'], 'sum'>;

/** What did not arrive: packets by verdict, and connections whose client the server does not get to know. */
export function dropRows({ verdicts, notes }: { verdicts: Sums; notes: Sums }): DropRow[] {
  const lost = (Object.entries(VERDICT) as [Verdict, number][])
    .filter(([name]) => !FORWARDED.includes(name))
    .map(([name, verdict]) => ({
      verdict,
      name,
      packets: verdicts.sum(verdict),
      meaning: VERDICT_MEANING[name],
    }))
    .filter(({ packets }) => packets > 0);
  const connections = notes.sum(NOTE[NOT_DELIVERED]);
  if (connections === 0) return lost;
  const meaning = NOTE_MEANING[NOT_DELIVERED];
  return [...lost, { name: NOT_DELIVERED, packets: connections, meaning }];
}

export function noteRows({ notes }: { notes: Sums }): NoteRow[] {
  return (Object.entries(NOTE) as [Note, number][])
    .map(([name, note]) => ({ note, name, count: notes.sum(note), meaning: NOTE_MEANING[name] }))
    .filter(({ count }) => count > 0);
}

export function infoRow(
  facts: DaemonFacts,
  object: Loaded,
  { sweep, sessionSlots }: AnyMaps<Pick<CommonMaps, 'sweep' | 'sessionSlots'>>,
): InfoRow {
  return {
    ...baseInfoRow(facts, object),
    sessionCapacity: sessionSlots.length,
    sweep: sweepRow(sweep.get(0).stats),
  };
}

/** What is true of every daemon. */
export function baseInfoRow(
  { role, instance, configFile, since, configRevision, configSince, reloadError }: DaemonFacts,
  object: Loaded,
): BaseInfoRow {
  return {
    role,
    instance,
    pid: process.pid,
    version: packageVersion(),
    since: since.toISOString(),
    configFile,
    configRevision,
    configSince: configSince.toISOString(),
    reloadError,
    contractVersion: CONTRACT_VERSION,
    adoptedMaps: object.adopted.length,
    programs: object.programs.map(({ fd, name }) => {
      const { id, runCount, runNanoseconds } = programInfo(fd, name);
      return { name, id, runs: Number(runCount), nanoseconds: Number(runNanoseconds) };
    }),
  };
}

function sweepRow(stats: SweepStats): SweepRow {
  const { passes, expired, evicted, nanoseconds, highWater, opening, live, resting } = stats;
  const states = Object.entries(SESSION_STATE) as [SessionState, number][];
  return {
    passes,
    expired: Object.fromEntries(states.map(([state, number]) => [state, expired[number] ?? 0])),
    evicted,
    nanoseconds,
    highWater,
    opening,
    live,
    resting,
  };
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version;
}
