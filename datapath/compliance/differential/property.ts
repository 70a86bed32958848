/** The property: whatever is said, programs and model do the same. */
import fc from 'fast-check';
import type { DataPath } from '../../model/index.ts';
import { suiteWorld } from '../model/world.ts';
import { compare, type Compared } from './compare.ts';
import type { Conversation } from './conversation.ts';
import { FollowingChance } from './following-chance.ts';
import { reportDifference } from './report.ts';

/** How many conversations, and which: a number alone gives the same ones again. */
export interface Runs {
  readonly count: number;
  readonly seed: number;
}

/** Where every secret order of ports is entered. */
export const PORT_START = 0xffff_fff0;

export function comparedWith<Tables>(
  kernel: DataPath<Tables>,
  makeModel: (world: typeof suiteWorld) => DataPath<Tables>,
): Compared<Tables> {
  const chance = new FollowingChance(PORT_START);
  return { kernel, chance, model: makeModel({ ...suiteWorld, chance }) };
}

/** Throws the shortest conversation found in which they differ, as a row. */
export async function checkConversations<Tables>(
  name: string,
  compared: Compared<Tables>,
  conversations: fc.Arbitrary<Conversation<Tables>>,
  { count, seed }: Runs,
): Promise<void> {
  const property = fc.asyncProperty(conversations, async (conversation) => {
    const { difference } = await compare(compared, conversation);
    return difference === undefined;
  });
  const result = await fc.check(property, { numRuns: count, seed });
  if (!result.failed) return;
  const [shortest] = result.counterexample ?? [];
  if (!shortest)
    throw new Error(`${name}: seed ${seed} gave no conversation`, { cause: result.errorInstance });
  const comparison = await compare(compared, shortest);
  throw new Error(
    `${name}, seed ${seed}, conversation ${result.numRuns}: ${reportDifference(`${name}-${seed}`, shortest, comparison)}`,
    { cause: result.errorInstance },
  );
}
