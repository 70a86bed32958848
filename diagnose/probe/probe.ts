/** Connects to one target again and again and says how each attempt ended. */
import type { Endpoint, Ipv4Address, Port } from '../../packet/address.ts';
import { classify, withPackets, type Ending, type Outcome, type PacketsSeen } from './outcome.ts';

export interface ConnectRequest {
  readonly target: Endpoint;
  readonly sourceAddress?: Ipv4Address;
  readonly sourcePort?: Port;
  readonly timeoutMs: number;
  /** How a connection that came about ends: FIN, or RST so that its port is free at once. */
  readonly close: 'fin' | 'reset';
}

export interface Connection {
  readonly ending: Ending;
  readonly durationMs: number;
  /** As the kernel chose it; absent when it never got that far. */
  readonly source?: { readonly address: string; readonly port: number };
  /** Resolves when the attempt's socket is gone. */
  readonly closed: Promise<void>;
}

/** Rejects only when `signal` is aborted. */
export type Connector = (request: ConnectRequest, signal: AbortSignal) => Promise<Connection>;

export interface Clock {
  /** Milliseconds since 1970, for people. */
  now(): number;
  /** Milliseconds from anywhere, never set back. */
  monotonicMs(): number;
  /** Resolves early when `signal` is aborted. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

/** What a capture on this machine saw of an attempt; undefined when it saw nothing. */
export type PacketWitness = (
  target: Endpoint,
  source: { readonly port: number },
  sinceMs: number,
) => Promise<PacketsSeen | undefined>;

export interface Prober {
  readonly connect: Connector;
  readonly clock: Clock;
  readonly witness?: PacketWitness;
}

export interface ProbeOptions {
  readonly target: Endpoint;
  readonly sourceAddress?: Ipv4Address;
  /** Walked from low to high and over again; absent: the kernel chooses. */
  readonly sourcePorts?: { readonly low: Port; readonly high: Port };
  /** From the start of one attempt to the start of the next. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Absent: one walk over `sourcePorts` when that is a range, else until aborted. */
  readonly count?: number;
  readonly close: 'fin' | 'reset';
}

export interface Attempt {
  readonly timeMs: number;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly source?: { readonly address?: string; readonly port: number };
  /** Absent when nobody watches the packets. */
  readonly packets?: PacketsSeen;
}

/**
 * One attempt at a time: an attempt that outlasts the interval delays the next one,
 * for two at once from one source port would collide with each other.
 */
export async function* probe(
  { connect, clock, witness }: Prober,
  options: ProbeOptions,
  signal: AbortSignal,
): AsyncGenerator<Attempt, void> {
  const attempts = options.count ?? attemptsByDefault(options);
  for (let i = 0; i < attempts && !signal.aborted; i++) {
    const startMs = clock.monotonicMs();
    const timeMs = clock.now();
    const sourcePort = portFor(i, options);
    let connection: Connection;
    try {
      connection = await connect(requestFor(sourcePort, options), signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const attempt = describe(timeMs, sourcePort, connection);
    yield witness === undefined ? attempt : await witnessed(attempt, options.target, witness);
    await connection.closed;
    if (i + 1 < attempts)
      await clock.sleep(Math.max(0, startMs + options.intervalMs - clock.monotonicMs()), signal);
  }
}

function attemptsByDefault({ sourcePorts }: ProbeOptions): number {
  if (sourcePorts === undefined || sourcePorts.low === sourcePorts.high) return Infinity;
  return sourcePorts.high - sourcePorts.low + 1;
}

function portFor(i: number, { sourcePorts }: ProbeOptions): Port | undefined {
  if (sourcePorts === undefined) return undefined;
  const { low, high } = sourcePorts;
  return (low + (i % (high - low + 1))) as Port;
}

function requestFor(
  sourcePort: Port | undefined,
  { target, sourceAddress, timeoutMs, close }: ProbeOptions,
): ConnectRequest {
  return {
    target,
    timeoutMs,
    close,
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...(sourcePort === undefined ? {} : { sourcePort }),
  };
}

export async function witnessed(
  attempt: Attempt,
  target: Endpoint,
  witness: PacketWitness,
): Promise<Attempt> {
  if (attempt.source === undefined) return attempt;
  const packets = await witness(target, attempt.source, attempt.timeMs);
  if (packets === undefined) return attempt;
  return { ...attempt, packets, outcome: withPackets(attempt.outcome, packets) };
}

export function describe(
  timeMs: number,
  wanted: Port | undefined,
  connection: Connection,
): Attempt {
  const { ending, durationMs, source } = connection;
  const attempt = { timeMs, durationMs, outcome: classify(ending, durationMs) };
  if (source !== undefined) return { ...attempt, source };
  return wanted === undefined ? attempt : { ...attempt, source: { port: wanted } };
}
