/** One round: a conversation, then mutations of its frames; what programs and model make of each. */
import { sameBytes } from '../../../packet/index.ts';
import type { Outcome } from '../../model/index.ts';
import { compare, compareStates, type Comparison } from '../differential/compare.ts';
import type { Act, Conversation } from '../differential/conversation.ts';
import { numbersFrom } from '../model/world.ts';
import { actOf, framesOf, type Ground, type Sent } from './ground.ts';
import { mutate } from './mutate.ts';

/** Many enough that the conversation costs nothing, few enough that no second goes by. */
export const ROUND_FRAMES = 2000;

/** No more than a budget of the programs allows at once (lib/budget.h), if each is answered. */
const FRAMES_IN_BUDGET = 200;

/** Frame by frame it may take this long: a second is what decides something. */
const SLOW_MS = 900;

/** The shortest conversation found in which programs and model differ. */
export interface Finding<Tables> {
  readonly conversation: Conversation<Tables>;
  readonly comparison: Comparison<Tables>;
}

/** Undefined when they did the same, or when the difference did not come again. */
export async function runRound<Tables>(
  ground: Ground<Tables>,
  conversation: Conversation<Tables>,
  seed: number,
  see: (sent: Sent, outcome: Outcome) => void = () => {},
): Promise<Finding<Tables> | undefined> {
  const { kernel, compared } = ground;
  const { difference } = await compare(compared, conversation);
  if (difference) return shortest(ground, conversation, []);
  const random = numbersFrom(seed);
  const originals = framesOf(conversation);
  const others = originals.map(({ frame }) => frame);
  const sent: Sent[] = [];
  const outcomes: Outcome[] = [];
  kernel.runs.forgetCounts();
  for (let i = 0; i < ROUND_FRAMES; i++) {
    if (i % FRAMES_IN_BUDGET === 0) kernel.refillBudgets();
    const original = originals[random() % originals.length];
    if (!original) return undefined;
    const one = { from: original.from, frame: mutate(original.frame, { random, others }) };
    const real = kernel.runs.runUncounted(one.frame, one.from);
    const ideal = compared.model.receive(one.frame, one.from);
    sent.push(one);
    outcomes.push(ideal);
    see(one, ideal);
    const differs =
      real.action !== ideal.action ||
      (real.action !== 'drop' && !sameBytes(real.frame, ideal.frame));
    if (differs) return shortest(ground, conversation, sent);
  }
  const same =
    isSameCount(
      kernel.runs.takeVerdicts(),
      outcomes.map(({ verdict }) => verdict),
    ) &&
    isSameCount(
      kernel.runs.takeNotes(),
      outcomes.flatMap(({ notes }) => notes),
    ) &&
    compareStates(compared) === undefined;
  return same ? undefined : shortest(ground, conversation, sent);
}

/** The same, frame by frame and with its verdict; then without whatever it does not need. */
async function shortest<Tables>(
  { compared, kernel }: Ground<Tables>,
  conversation: Conversation<Tables>,
  sent: readonly Sent[],
): Promise<Finding<Tables> | undefined> {
  let found: Finding<Tables> | undefined;
  const differs = async (acts: readonly Act<Tables>[]) => {
    const candidate = { ...conversation, acts };
    const comparison = await compare(compared, candidate, SLOW_MS);
    if (comparison.difference === undefined) return false;
    found = { conversation: candidate, comparison };
    return true;
  };
  kernel.runs.forgetCounts();
  const mutated = sent.map((one) => actOf<Tables>(one));
  // Mostly the last frame is enough, or a few of the last ones.
  let count = 1;
  while (!(await differs([...conversation.acts, ...mutated.slice(-count)]))) {
    if (count >= mutated.length) return undefined;
    count *= 2;
  }
  for (let length = Math.ceil((found?.conversation.acts.length ?? 0) / 2); length > 0;) {
    let isShorter = false;
    for (let from = 0; from < (found?.conversation.acts.length ?? 0);)
      if (await differs(found?.conversation.acts.toSpliced(from, length) ?? [])) isShorter = true;
      else from += length;
    if (length > 1) length = Math.ceil(length / 2);
    else if (!isShorter) length = 0;
  }
  return found;
}

/** However they are ordered: each as often. */
function isSameCount(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.toSorted().join() === b.toSorted().join();
}
