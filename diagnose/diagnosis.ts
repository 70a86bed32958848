/** The method as a program: comparisons, then evidence from every place, then one verdict. */
import { formatEndpoint, parseEndpoint, type Endpoint } from '../packet/address.ts';
import { collectDaemon } from './collect/daemons.ts';
import { takeSnapshot, type Place, type Snapshot, type Subject } from './collect/snapshot.ts';
import { hasFailed, isSilent, runPlan, type ProbedAttempt } from './experiments/attempt.ts';
import {
  firstPlan,
  otherClientPlan,
  Ports,
  secondPlan,
  type PortRange,
} from './experiments/plan.ts';
import {
  failuresOf,
  isTo,
  roleOf,
  type Evidence,
  type Hop,
  type PlaceEvidence,
} from './findings/evidence.ts';
import { HYPOTHESES } from './findings/hypotheses.ts';
import type { Decision, Hypothesis } from './findings/hypothesis.ts';

export interface DiagnosisOptions {
  readonly target: Endpoint;
  /** Further ones are learned from the balancer. */
  readonly backends: readonly Endpoint[];
  readonly ports: PortRange;
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

export interface Judged {
  readonly hypothesis: Hypothesis;
  readonly decision: Decision;
}

export type Verdict =
  | { readonly kind: 'healthy' }
  | {
      readonly kind: 'cause';
      readonly hypothesis: Hypothesis;
      readonly hop: Hop;
      readonly because: string;
      readonly confidence: number;
    }
  /** It fails, and nothing that was looked at explains it. */
  | { readonly kind: 'unexplained'; readonly hop: Hop };

export interface Diagnosis {
  readonly evidence: Evidence;
  readonly judged: readonly Judged[];
  readonly verdict: Verdict;
}

/** The work could not be done at all; the message says what to do. */
export class DiagnosisError extends Error {
  override readonly name = 'DiagnosisError';
}

export async function diagnose(
  collaborators: Collaborators,
  options: DiagnosisOptions,
): Promise<Diagnosis> {
  const evidence = await gather(collaborators, options);
  const judged = HYPOTHESES.map((hypothesis) => ({
    hypothesis,
    decision: hypothesis.decide(evidence),
  }));
  return { evidence, judged, verdict: verdictOf(evidence, judged) };
}

export function verdictOf(evidence: Evidence, judged: readonly Judged[]): Verdict {
  const [best] = judged
    .flatMap(({ hypothesis, decision }) =>
      decision.kind === 'proved' ? [{ hypothesis, decision }] : [],
    )
    .toSorted((a, b) => b.decision.confidence - a.decision.confidence);
  if (best !== undefined) {
    const { hop, because, confidence } = best.decision;
    return { kind: 'cause', hypothesis: best.hypothesis, hop, because, confidence };
  }
  if (failuresOf(evidence) === 0) return { kind: 'healthy' };
  return { kind: 'unexplained', hop: { kind: 'unknown' } };
}

async function gather(
  { client, otherClient, places, nowMs, random, tell }: Collaborators,
  { target, backends: given, ports: range }: DiagnosisOptions,
): Promise<Evidence> {
  const all = [client, ...(otherClient ? [otherClient] : []), ...places];
  const size = range.high - range.low + 1;
  const ports = new Ports(range, range.low + Math.floor(random() * size));

  tell(`reading ${all.length} ${all.length === 1 ? 'place' : 'places'}`);
  const known = await knownBackends(places, given, target);
  const subject: Subject = { target, backends: known, clients: [] };
  const before = await snapshots(all, subject, nowMs);
  const startMs = nowMs();

  tell('trying connections');
  const [own, others] = await Promise.all([
    runPlan(client.runner, firstPlan(ports, target, known)),
    otherClient && runPlan(otherClient.runner, otherClientPlan(ports, target)),
  ]);
  if (!own.ok) throw new DiagnosisError(`${client.name} could not try connections: ${own.why}`);
  const attempts: ProbedAttempt[] = [...own.value, ...(others?.ok ? others.value : [])];
  const failed = own.value.filter((one) => isTo(one, target) && hasFailed(one));
  if (failed.length > 0) {
    tell(`${failed.length} failed: the same ports again, and others`);
    const portsThatFailed = failed.map(({ localPort }) => localPort);
    const again = await runPlan(client.runner, secondPlan(ports, target, known, portsThatFailed));
    if (again.ok) attempts.push(...again.value);
  }
  const after = await snapshots(all, subject, nowMs);
  const context = { target, backends: known };
  const evidenceOf = (place: Place, i: number): PlaceEvidence => {
    const [earlier, later] = [before[i], after[i]];
    if (earlier === undefined || later === undefined) throw new RangeError('a place too many');
    const role = place === client ? 'client' : place === otherClient ? 'other-client' : undefined;
    return {
      name: place.name,
      role: role ?? roleOf(place.name, later, context),
      before: earlier,
      after: later,
    };
  };
  const placeEvidence = all.map(evidenceOf);
  return {
    ...context,
    attempts,
    lostSyns: lostSyns(attempts, target, placeEvidence),
    windowSeconds: (nowMs() - startMs) / 1000,
    places: placeEvidence,
  };
}

/** Those given, and those that a balancer tells of the listener's pool. */
async function knownBackends(
  places: readonly Place[],
  given: readonly Endpoint[],
  target: Endpoint,
): Promise<readonly Endpoint[]> {
  if (given.length > 0) return given;
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

/** First SYNs by what the prober says, repeated ones by the clients' own counters. */
function lostSyns(
  attempts: readonly ProbedAttempt[],
  target: Endpoint,
  places: readonly PlaceEvidence[],
): number {
  const silent = attempts.filter((one) => isTo(one, target) && isSilent(one)).length;
  const late = attempts.filter((one) => isTo(one, target) && one.label === 'late').length;
  if (silent + late === 0) return 0;
  const repeated = places
    .filter(({ role }) => role === 'client' || role === 'other-client')
    .map(({ before, after }) => {
      if (!before.counters.ok || !after.counters.ok) return 0;
      const count = (counters: ReadonlyMap<string, bigint>) =>
        counters.get('TcpExtTCPSynRetrans') ?? 0n;
      return Number(count(after.counters.value) - count(before.counters.value));
    })
    .reduce((sum, count) => sum + count, 0);
  return silent + late + repeated;
}
