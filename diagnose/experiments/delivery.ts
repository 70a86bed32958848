/** Whether full-size segments arrive: what the client's own socket says was acknowledged. */
import { collected, missing, readFrom, type Collected } from '../collect/collected.ts';
import type { Runner } from '../collect/runner.ts';
import { runPlan } from './attempt.ts';
import type { Plan } from './plan.ts';

export interface Delivery {
  readonly sentBytes: number;
  readonly acknowledgedBytes: number;
  readonly retransmitted: number;
  /** The largest segment that the client believes the path takes. */
  readonly segmentBytes: number;
}

/** Most of the plan's linger: what is lost was sent again by then. */
const LOOK_AT = 0.8;

export async function deliver(runner: Runner, plan: Plan): Promise<Collected<Delivery>> {
  const [first] = plan.attempts;
  const running = runPlan(runner, plan);
  // The program takes a moment to start, so its socket is looked for until it is there.
  const startMs = performance.now();
  let last: Collected<Delivery> = missing('the connection to send on did not come about');
  const argv = ['ss', '-Htni', 'sport', '=', `:${first?.localPort ?? 0}`];
  let isOver = false;
  void running.finally(() => (isOver = true));
  while (!isOver && performance.now() - startMs < plan.timeoutMs + plan.lingerMs) {
    const read = await readFrom(runner, argv, parseDelivery);
    if (read.ok && read.value !== undefined) last = collected(read.value);
    await new Promise((done) => setTimeout(done, (plan.lingerMs * (1 - LOOK_AT)) / 2));
  }
  const attempts = await running;
  return attempts.ok ? last : attempts;
}

/** Of `ss -ti`: undefined when there is no such socket, or nothing was sent on it yet. */
export function parseDelivery(text: string): Delivery | undefined {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  const sentBytes = number(/\bbytes_sent:(\d+)/);
  if (sentBytes === 0) return undefined;
  const retransmittedBytes = number(/\bbytes_retrans:(\d+)/);
  return {
    sentBytes: sentBytes - retransmittedBytes,
    // The SYN counts as one.
    acknowledgedBytes: Math.max(0, number(/\bbytes_acked:(\d+)/) - 1),
    retransmitted: number(/\bretrans:\d+\/(\d+)/),
    segmentBytes: number(/\bmss:(\d+)/),
  };
}
