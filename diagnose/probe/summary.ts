/** What many attempts amount to: counts, durations, and the exit code. */
import type { Label, PacketsSeen } from './outcome.ts';
import { labelOf } from './outcome.ts';
import { DurationHistogram } from './duration-histogram.ts';
import type { Attempt } from './probe.ts';

export interface Summary {
  readonly attempts: number;
  readonly counts: Readonly<Record<Label, number>>;
  /** Of connects that came about, in milliseconds. */
  readonly connectMs?: ConnectMs;
  /** Source ports from which the target was filtered, in order; the first ones, see FILTERED_PORTS_MAX. */
  readonly filteredPorts: readonly number[];
  /** Absent when nobody watched the packets. */
  readonly packets?: PacketsSeen;
}

export interface ConnectMs {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
  readonly p50: number;
  readonly p99: number;
}

// A list for people; the lines of the attempts have them all.
const FILTERED_PORTS_MAX = 100;

export const EXIT = { open: 0, error: 1, filtered: 10, closed: 11, late: 12 } as const;

/** Collects attempts one by one: a probe may run for days. */
export class Tally {
  readonly #counts: Record<Label, number> = {
    open: 0,
    late: 0,
    closed: 0,
    silent: 0,
    icmp: 0,
    'challenge-ack': 0,
    'local-port-busy': 0,
    error: 0,
  };
  readonly #filteredPorts = new Set<number>();
  #connects = 0;
  #totalMs = 0;
  #leastMs = Infinity;
  #mostMs = 0;
  readonly #durations = new DurationHistogram();
  #packets: PacketsSeen | undefined;

  add({ outcome, durationMs, source, packets }: Omit<Attempt, 'timeMs'>): void {
    this.#counts[labelOf(outcome)]++;
    if (outcome.state === 'open') {
      this.#connects++;
      this.#durations.add(durationMs);
      this.#totalMs += durationMs;
      this.#leastMs = Math.min(this.#leastMs, durationMs);
      this.#mostMs = Math.max(this.#mostMs, durationMs);
    }
    if (packets !== undefined)
      this.#packets = {
        syns: (this.#packets?.syns ?? 0) + packets.syns,
        challengeAcks: (this.#packets?.challengeAcks ?? 0) + packets.challengeAcks,
      };
    if (
      outcome.state === 'filtered' &&
      source !== undefined &&
      this.#filteredPorts.size < FILTERED_PORTS_MAX
    )
      this.#filteredPorts.add(source.port);
  }

  summary(): Summary {
    const attempts = Object.values(this.#counts).reduce((a, b) => a + b, 0);
    const filteredPorts = [...this.#filteredPorts].toSorted((a, b) => a - b);
    const packets = this.#packets === undefined ? {} : { packets: this.#packets };
    const summary = { attempts, counts: { ...this.#counts }, filteredPorts, ...packets };
    if (this.#connects === 0) return summary;
    const mean = this.#totalMs / this.#connects;
    const [p50, p99] = [this.#durations.quantile(0.5), this.#durations.quantile(0.99)];
    return { ...summary, connectMs: { least: this.#leastMs, mean, most: this.#mostMs, p50, p99 } };
  }
}

/**
 * The worst state seen. An attempt whose own port was busy says nothing about the
 * target, so it counts only when there is nothing else to go by.
 */
export function exitCodeOf({ counts }: Summary): number {
  if (counts.error > 0) return EXIT.error;
  if (lostOf(counts) > 0) return EXIT.filtered;
  if (counts.closed > 0) return EXIT.closed;
  if (counts.late > 0) return EXIT.late;
  return counts.open > 0 ? EXIT.open : EXIT.error;
}

/** Attempts that nothing useful came back for. */
export function lostOf(counts: Summary['counts']): number {
  return counts.silent + counts.icmp + counts['challenge-ack'];
}

/** Several targets in one: for the exit code. */
export function worstOf(summaries: readonly Summary[]): number {
  const codes = summaries.map(exitCodeOf);
  const order = [EXIT.error, EXIT.filtered, EXIT.closed, EXIT.late];
  return order.find((code) => codes.includes(code)) ?? EXIT.open;
}
