/** What both roles count: the process, its configuration, sessions, verdicts, notes, kernel programs. */
import { NOTE, VERDICT, type Note } from '../../datapath/binding/verdicts.ts';
import type { BaseInfoRow, InfoRow } from '../api/rows.ts';
import { byLabel, single } from './collect.ts';
import type { Family } from './text.ts';

type Sums = { sum(index: number): number };

/** Notes that have a metric of their own. */
const COLLISIONS = {
  'collision-remapped': 'remap',
  'collision-local': 'local',
  'collision-dropped': 'drop',
} as const satisfies Partial<Record<Note, string>>;
const EVICTIONS = {
  'opening-evicted': 'opening',
  'resting-evicted': 'resting',
} as const satisfies Partial<Record<Note, string>>;
const LOST: Note = 'event-lost';
const ELSEWHERE: readonly string[] = [...Object.keys(COLLISIONS), ...Object.keys(EVICTIONS), LOST];

const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

export function processFamilies({ role, version, since, ...info }: BaseInfoRow): Family[] {
  const { user, system } = process.cpuUsage();
  const own = { role };
  return [
    single('fullnat_build_info', { role, version }, 1),
    single('fullnat_process_start_time_seconds', own, Date.parse(since) / 1_000),
    single('fullnat_process_cpu_seconds_total', own, (user + system) / MICROSECONDS),
    single('fullnat_process_resident_memory_bytes', own, process.memoryUsage.rss()),
    single('fullnat_config_applied_timestamp_seconds', own, Date.parse(info.configSince) / 1_000),
    single('fullnat_config_revision', own, info.configRevision),
    single('fullnat_config_last_reload_successful', own, info.reloadError === null ? 1 : 0),
  ];
}

export function programFamilies({ role, programs }: BaseInfoRow): Family[] {
  const of = (value: (program: (typeof programs)[number]) => number) =>
    programs.map((program) => ({
      labels: { role, program: program.name },
      value: value(program),
    }));
  return [
    { name: 'fullnat_bpf_runs_total', samples: of(({ runs }) => runs) },
    {
      name: 'fullnat_bpf_run_seconds_total',
      samples: of(({ nanoseconds }) => nanoseconds / NANOSECONDS),
    },
  ];
}

export function sessionFamilies({ role, sweep, sessionCapacity }: InfoRow, notes: Sums): Family[] {
  const { opening, live, resting, passes, nanoseconds } = sweep;
  const { free: _, dead: __, ...expired } = sweep.expired;
  return [
    byLabel('fullnat_sessions', { role }, 'state', {
      opening,
      open: Math.max(0, live - opening),
      resting,
    }),
    single('fullnat_sessions_capacity', { role }, sessionCapacity),
    byLabel('fullnat_sessions_expired_total', { role }, 'state', expired),
    byLabel('fullnat_sessions_evicted_total', { role }, 'state', named(notes, EVICTIONS)),
    single('fullnat_sweep_passes_total', { role }, passes),
    single('fullnat_sweep_seconds_total', { role }, nanoseconds / NANOSECONDS),
  ];
}

/** Each with every number it can have, so that the first drop is a change and not a new series. */
export function packetFamilies(
  role: string,
  { verdicts, notes }: { verdicts: Sums; notes: Sums },
): Family[] {
  const others = Object.entries(NOTE).filter(([name]) => !ELSEWHERE.includes(name));
  return [
    byLabel('fullnat_packets_total', { role }, 'verdict', sums(verdicts, Object.entries(VERDICT))),
    byLabel('fullnat_notes_total', { role }, 'note', sums(notes, others)),
    single('fullnat_events_lost_total', { role }, notes.sum(NOTE[LOST])),
  ];
}

export function collisionFamily(notes: Sums): Family {
  return byLabel('fullnat_collisions_total', {}, 'policy', named(notes, COLLISIONS));
}

function named(
  notes: Sums,
  names: Readonly<Partial<Record<Note, string>>>,
): Readonly<Record<string, number>> {
  const entries = Object.entries(names) as [Note, string][];
  return Object.fromEntries(entries.map(([note, word]) => [word, notes.sum(NOTE[note])]));
}

function sums(
  map: Sums,
  entries: readonly (readonly [string, number])[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(entries.map(([name, index]) => [name, map.sum(index)]));
}
