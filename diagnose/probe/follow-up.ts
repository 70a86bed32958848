/** What is tried at once when a connection met silence: the experiments that split the causes. */
import type { Endpoint, Ipv4Address, Port } from '../../packet/address.ts';
import type { HeldConnection, HeldConnections } from './held-ports.ts';
import { labelOf, type Label } from './outcome.ts';
import { describe, witnessed, type Attempt, type Prober } from './probe.ts';

export interface FollowUpRequest {
  readonly target: Endpoint;
  /** Asked past the balancer, from the port that failed. */
  readonly backends: readonly Endpoint[];
  readonly sourceAddress?: Ipv4Address;
  readonly sourcePort: Port;
  readonly timeoutMs: number;
  /** False for ports that this probe uses otherwise: those could collide with itself. */
  readonly isFree: (port: number) => boolean;
}

export interface Trial {
  readonly port: number;
  readonly label: Label;
}

export interface FollowUp {
  readonly target: Endpoint;
  readonly sourcePort: number;
  /** From the port that failed. */
  readonly again: Trial;
  /** From the first port above it that is free here. */
  readonly next: Trial;
  readonly direct: readonly { readonly backend: Endpoint; readonly label: Label }[];
  readonly sweep: readonly Trial[];
  /** Those that failed in the sweep, once more; the first ones. */
  readonly sweepAgain: readonly Trial[];
  /** Other connections of this machine from the port that failed. */
  readonly held: readonly HeldConnection[];
}

export interface FollowUpMeans extends Prober {
  readonly held: HeldConnections;
}

/** A share of 1/16 that fails is seen with a probability of 0.98. */
export const SWEEP_PORTS = 64;
/** Sixty-four SYNs at once could themselves meet a rate limit. */
const SWEEP_EVERY_MS = 10;
const REPEATED_MOST = 16;
/** A port next to the one that failed may be in use here. */
const NEXT_TRIES = 8;
const PORT_FIRST = 1_024;
const PORT_LAST = 65_535;

/** Undefined when it was aborted. */
export async function followUp(
  means: FollowUpMeans,
  request: FollowUpRequest,
  signal: AbortSignal,
): Promise<FollowUp | undefined> {
  const { target, backends, sourcePort } = request;
  const attempt = (to: Endpoint, port: number) => tried(means, request, to, port, signal);
  try {
    const held = (await means.held(sourcePort)).filter(
      ({ remote }) => remote.address !== target.address || remote.port !== target.port,
    );
    const [again, next] = await Promise.all([
      attempt(target, sourcePort),
      nextPort(attempt, request),
    ]);
    // Not beside the others: from the same port they would be each other's collision.
    const direct: { backend: Endpoint; label: Label }[] = [];
    for (const backend of backends)
      direct.push({ backend, label: (await attempt(backend, sourcePort)).label });
    const from = (ports: readonly number[]) =>
      spread(means, ports, (port) => attempt(target, port), signal);
    const sweep = await from(portsAfter(next.port, SWEEP_PORTS, request.isFree));
    const failed = sweep.filter(isLost).slice(0, REPEATED_MOST);
    const sweepAgain = await from(failed.map(({ port }) => port));
    return { target, sourcePort, again, next, direct, sweep, sweepAgain, held };
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

export function isLost({ label }: Trial): boolean {
  return label === 'silent' || label === 'icmp' || label === 'challenge-ack';
}

async function nextPort(
  attempt: (to: Endpoint, port: number) => Promise<Trial>,
  { target, sourcePort, isFree }: FollowUpRequest,
): Promise<Trial> {
  let trial: Trial = { port: sourcePort, label: 'local-port-busy' };
  for (const port of portsAfter(sourcePort, NEXT_TRIES, isFree)) {
    trial = await attempt(target, port);
    if (trial.label !== 'local-port-busy') break;
  }
  return trial;
}

/** Wraps above the ports that need privilege. */
function portsAfter(port: number, most: number, isFree: (port: number) => boolean): number[] {
  const size = PORT_LAST - PORT_FIRST + 1;
  const found: number[] = [];
  for (let i = 1; i < size && found.length < most; i += 1) {
    const next = PORT_FIRST + ((Math.max(port, PORT_FIRST) - PORT_FIRST + i) % size);
    if (isFree(next)) found.push(next);
  }
  return found;
}

function spread(
  { clock }: Prober,
  ports: readonly number[],
  attempt: (port: number) => Promise<Trial>,
  signal: AbortSignal,
) {
  return Promise.all(
    ports.map(async (port, i) => {
      await clock.sleep(i * SWEEP_EVERY_MS, signal);
      return attempt(port);
    }),
  );
}

async function tried(
  { connect, clock, witness }: Prober,
  { sourceAddress, timeoutMs }: FollowUpRequest,
  target: Endpoint,
  port: number,
  signal: AbortSignal,
): Promise<Trial> {
  const timeMs = clock.now();
  const connection = await connect(
    {
      target,
      sourcePort: port as Port,
      timeoutMs,
      close: 'reset',
      ...(sourceAddress === undefined ? {} : { sourceAddress }),
    },
    signal,
  );
  await connection.closed;
  const attempt: Attempt = describe(timeMs, port as Port, connection);
  const { outcome } = witness === undefined ? attempt : await witnessed(attempt, target, witness);
  return { port, label: labelOf(outcome) };
}
