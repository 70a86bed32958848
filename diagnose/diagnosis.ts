/** The method as a program: comparisons, then evidence from every place, then one verdict. */
import { formatEndpoint, parseEndpoint, type Endpoint } from '../packet/address.ts';
import { anyEndpoint } from '../packet/ip.ts';
import { captureFilter } from './localise/capture-filter.ts';
import { collectDaemon } from './collect/daemons.ts';
import { collectAddresses } from './collect/network.ts';
import { takeSnapshot, type Place, type Snapshot, type Subject } from './collect/snapshot.ts';
import { deliver } from './experiments/delivery.ts';
import { hasFailed, isSilent, runPlan, type ProbedAttempt } from './experiments/attempt.ts';
import {
  againPlan,
  dataPlan,
  directPlan,
  firstPlan,
  otherClientPlan,
  Ports,
  type PortRange,
} from './experiments/plan.ts';
import {
  isSilentDaemon,
  isTo,
  roleOf,
  type CaptureEvidence,
  type Evidence,
  type PlaceEvidence,
} from './findings/evidence.ts';
import { HYPOTHESES } from './findings/hypotheses.ts';
import { locate } from './localise/locate.ts';
import { framesOf } from './localise/sides.ts';
import { watch, type Watching } from './localise/watch.ts';
import { verdictOf, type Judged, type Verdict } from './verdict.ts';

export interface DiagnosisOptions {
  readonly target: Endpoint;
  /** Further ones are learned from the balancer. */
  readonly backends: readonly Endpoint[];
  readonly ports: PortRange;
  /** `needed`: where the evidence alone proves no cause. */
  readonly capture: 'needed' | 'always' | 'never';
  /** Whether full-size segments are sent, too: the service will get some nonsense. */
  readonly data: boolean;
}

export interface Collaborators {
  readonly client: Place;
  readonly otherClient: Place | undefined;
  /** In path order, from client to server. */
  readonly places: readonly Place[];
  readonly nowMs: () => number;
  /** From 0 to 1: where in the range of ports to begin. */
  readonly random: () => number;
  /** Told what is done next: for a person who waits. */
  readonly tell: (what: string) => void;
}

export interface Diagnosis {
  readonly evidence: Evidence;
  readonly judged: readonly Judged[];
  readonly verdict: Verdict;
}

/** The work could not be done at all; the message says what to do. */
export class DiagnosisError extends Error {
  override readonly name = 'DiagnosisError';
}

const ADDRESSES_MOST = 4;
/** Enough to need no capture. */
const SURE = 0.9;

export async function diagnose(
  collaborators: Collaborators,
  options: DiagnosisOptions,
): Promise<Diagnosis> {
  const session = await begin(collaborators, options);
  const first = judge(await session.evidence(undefined));
  if (!needsCapture(first, options)) return first;
  const capture = await session.capture();
  return judge(await session.evidence(capture));
}

function judge(evidence: Evidence): Diagnosis {
  const judged = HYPOTHESES.map((hypothesis) => ({
    hypothesis,
    decision: hypothesis.decide(evidence),
  }));
  return { evidence, judged, verdict: verdictOf(evidence, judged) };
}

function needsCapture({ verdict, evidence }: Diagnosis, { capture }: DiagnosisOptions): boolean {
  if (capture === 'never') return false;
  // A daemon that does not answer may have left its programs, or taken them along.
  if (capture === 'always' || evidence.places.some(isSilentDaemon)) return true;
  if (verdict.kind === 'healthy') return false;
  return (
    verdict.kind === 'unexplained' || verdict.confidence < SURE || verdict.hop.kind === 'unknown'
  );
}

interface Session {
  evidence(capture: CaptureEvidence | undefined): Promise<Evidence>;
  capture(): Promise<CaptureEvidence>;
}

/** Reads every place, and tries the first connections. */
async function begin(
  { client, otherClient, places, nowMs, random, tell }: Collaborators,
  { target, backends: given, ports: range, data: sendsData }: DiagnosisOptions,
): Promise<Session> {
  const all = [client, ...(otherClient ? [otherClient] : []), ...places];
  const size = range.high - range.low + 1;
  const ports = new Ports(range, range.low + Math.floor(random() * size));

  tell(`reading ${all.length} ${all.length === 1 ? 'place' : 'places'}`);
  const backends = given.length > 0 ? given : await knownBackends(places, target);
  const context: Subject = { target, backends, clients: await addressesOf(client) };
  const before = await snapshots(all, context, nowMs);
  const startMs = nowMs();
  const roles = new Map(
    all.map((place, i) => {
      if (place === client) return [place, 'client'] as const;
      if (place === otherClient) return [place, 'other-client'] as const;
      const snapshot = before[i];
      return [place, snapshot ? roleOf(place.name, snapshot, context) : 'forwarder'] as const;
    }),
  );

  tell('trying connections');
  const [own, others] = await Promise.all([
    runPlan(client.runner, firstPlan(ports, target, backends)),
    otherClient && runPlan(otherClient.runner, otherClientPlan(ports, target)),
  ]);
  if (!own.ok) throw new DiagnosisError(`${client.name} could not try connections: ${own.why}`);
  const attempts: ProbedAttempt[] = [...own.value, ...(others?.ok ? others.value : [])];
  const data = sendsData ? await deliver(client.runner, dataPlan(ports, target)) : undefined;

  return {
    evidence: async (capture) => {
      const after = await snapshots(all, context, nowMs);
      const evidenceOf = (place: Place, i: number): PlaceEvidence[] => {
        const [earlier, later, role] = [before[i], after[i], roles.get(place)];
        if (earlier === undefined || later === undefined || role === undefined) return [];
        return [{ name: place.name, role, before: earlier, after: later }];
      };
      const seen = all.flatMap(evidenceOf);
      const tried = withoutFalseAlarm(attempts, seen);
      const lost = lostSyns(tried, target, seen);
      const windowSeconds = (nowMs() - startMs) / 1000;
      return {
        ...{ ...context, attempts: tried, lostSyns: lost, windowSeconds },
        ...{ places: seen, data, capture },
      };
    },
    capture: async () => {
      const failed = own.value.filter((one) => isTo(one, target) && hasFailed(one));
      tell(`${failed.length} failed: capturing at ${places.length + 1} places`);
      const { result, watching } = await watch(
        [client, ...places],
        captureFilter([target, ...backends].map(anyEndpoint)),
        () => runPlan(client.runner, againPlan(ports, target, backends, failed)),
      );
      const again = result.ok ? result.value : [];
      const direct = await runPlan(
        client.runner,
        directPlan(
          target,
          backends,
          failed.map(({ localPort }) => localPort),
        ),
      );
      attempts.push(...again, ...(direct.ok ? direct.value : []));
      const roleNamed = (name: string) =>
        [...roles].find(([place]) => place.name === name)?.[1] ?? 'forwarder';
      const snapshotOf = (name: string) => before[all.findIndex((place) => place.name === name)];
      const seen = watching.watched.map((one) => {
        const addresses = snapshotOf(one.place)?.addresses;
        const own = addresses?.ok ? addresses.value : [];
        return framesOf(one, roleNamed(one.place), own, context);
      });
      const failedAgain = again.filter(hasFailed).map(({ localPort }) => localPort);
      return captureEvidence(watching, seen, { target, failedPorts: failedAgain });
    },
  };
}

async function captureEvidence(
  { watched, failures }: Watching,
  places: Parameters<typeof locate>[0],
  wanted: Parameters<typeof locate>[1],
): Promise<CaptureEvidence> {
  const { location, toaLost } = await locate(places, wanted);
  return { location, toaLost, places, failures, files: watched };
}

/** A balancer of ours tells those of the listener's pool. */
async function knownBackends(
  places: readonly Place[],
  target: Endpoint,
): Promise<readonly Endpoint[]> {
  for (const { runner, daemon } of places) {
    if (daemon?.role !== 'balancer') continue;
    const answer = await collectDaemon(runner, daemon);
    if (!answer.ok) continue;
    const { listeners, backends } = answer.value;
    const pool = listeners.find(({ address }) => address === formatEndpoint(target))?.pool;
    return backends
      .filter((backend) => backend.pool === pool)
      .flatMap(({ address }) => {
        const read = parseEndpoint(address);
        return read.ok ? [read.value] : [];
      });
  }
  return [];
}

function snapshots(
  places: readonly Place[],
  subject: Subject,
  nowMs: () => number,
): Promise<Snapshot[]> {
  return Promise.all(places.map((place) => takeSnapshot(place, subject, nowMs())));
}

/** Where answers must be able to go; a machine with many is asked about a few. */
async function addressesOf({ runner }: Place): Promise<readonly string[]> {
  const addresses = await collectAddresses(runner);
  if (!addresses.ok) return [];
  return addresses.value
    .filter((address) => /^\d+(?:\.\d+){3}$/.test(address) && !address.startsWith('127.'))
    .slice(0, ADDRESSES_MOST);
}

/** First SYNs by what the prober says, repeated ones by the clients' own counters. */
function lostSyns(
  attempts: readonly ProbedAttempt[],
  target: Endpoint,
  places: readonly PlaceEvidence[],
): number {
  const toTarget = attempts.filter((one) => isTo(one, target));
  const silent = toTarget.filter(isSilent).length;
  const late = toTarget.filter(({ label }) => label === 'late').length;
  if (silent + late === 0) return 0;
  return silent + (repeatedSyns(places) ?? late);
}

/** Undefined where no client's counters can be read. */
function repeatedSyns(places: readonly PlaceEvidence[]): number | undefined {
  const counts = places
    .filter(({ role }) => role === 'client' || role === 'other-client')
    .flatMap(({ before, after }) => {
      if (!before.counters.ok || !after.counters.ok) return [];
      const count = (counters: ReadonlyMap<string, bigint>) =>
        counters.get('TcpExtTCPSynRetrans') ?? 0n;
      return [Number(count(after.counters.value) - count(before.counters.value))];
    });
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

/** Where no SYN was sent again, what took long was this machine. */
function withoutFalseAlarm(
  attempts: readonly ProbedAttempt[],
  places: readonly PlaceEvidence[],
): readonly ProbedAttempt[] {
  if (repeatedSyns(places) !== 0) return attempts;
  return attempts.map((one) => (one.label === 'late' ? { ...one, label: 'open' } : one));
}
