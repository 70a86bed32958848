/** What the difference between targets tells that were tried side by side. */
import { EXIT, exitCodeOf, lostOf, type Summary } from './summary.ts';

export interface Compared {
  readonly target: string;
  readonly summary: Summary;
}

/** Below this probability a difference is not put down to chance. */
const CHANCE_MOST = 0.05;

/** One sentence for each pair that differs, or one for all. */
export function compare(targets: readonly Compared[]): readonly string[] {
  const failing = targets.filter(({ summary }) => failures(summary) > 0);
  const sound = targets.filter(({ summary }) => exitCodeOf(summary) === EXIT.open);
  if (failing.length === 0)
    return sound.length === targets.length
      ? ['no target failed']
      : ['no target failed, not all were open at once: nothing to tell apart'];
  if (failing.length === targets.length)
    return ['all targets fail: look at what they share: this machine, its network, the server'];
  return failing.map((one) => {
    const others = targets.filter((other) => !failing.includes(other));
    const counts = others.map(({ target, summary }) => `${target} 0 of ${tries(summary)}`);
    const chance = Math.max(...others.map(({ summary }) => chanceOf(one.summary, summary)));
    const lost = `${one.target} fails ${failures(one.summary)} of ${tries(one.summary)}, ${counts.join(', ')}`;
    return chance > CHANCE_MOST
      ? `${lost}: too few to tell, chance alone does this with probability ${chance.toFixed(2)}`
      : `${lost}: the fault is in what only ${one.target} passes`;
  });
}

function failures({ counts }: Summary): number {
  return lostOf(counts) + counts.closed;
}

function tries({ counts }: Summary): number {
  return lostOf(counts) + counts.closed + counts.open + counts.late;
}

/**
 * Fisher's exact test where the sound target has no failure: the probability that all failures
 * fall on the failing one if both failed equally often.
 *
 * @example 5 of 10 against 0 of 10: C(10,5) / C(20,5) = 0.016
 */
function chanceOf(failing: Summary, sound: Summary): number {
  const [failed, own, all] = [failures(failing), tries(failing), tries(failing) + tries(sound)];
  let chance = 1;
  for (let i = 0; i < failed && chance > 0; i += 1) chance *= (own - i) / (all - i);
  return chance;
}
