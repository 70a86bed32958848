/** What is fuzzed: pieces of work that are done one after the other until there were enough of them. */
import type fc from 'fast-check';
import { anyAgentConversation } from '../differential/agent.ts';
import { anyBalancerConversation } from '../differential/balancer.ts';
import type { Conversation } from '../differential/conversation.ts';
import { checkConversations } from '../differential/property.ts';
import { reportDifference } from '../differential/report.ts';
import { Corpus } from './corpus.ts';
import { agentGround, balancerGround, type Ground } from './ground.ts';
import { ROUND_FRAMES, runRound } from './round.ts';

export interface Job {
  readonly name: string;
  /** What `count` is in. */
  readonly unit: 'conversations' | 'frames';
  readonly role: 'balancer' | 'agent';
  /** One piece; how much it was. Throws a report of what differs. */
  step(seed: number): Promise<number>;
  /** Keeps what was learnt. */
  end(): void;
}

const CONVERSATIONS = 500;
/** Every so many rounds one is after the opening of the corpus, to which it may add. */
const CORPUS_ROUND = 5;

export async function jobs(): Promise<Job[]> {
  const [balancer, agent] = [await balancerGround(), await agentGround()];
  return [
    conversations(balancer, anyBalancerConversation()),
    conversations(agent, anyAgentConversation()),
    await frames(balancer),
    await frames(agent),
  ];
}

function conversations<Tables>(
  { role, compared }: Ground<Tables>,
  any: fc.Arbitrary<Conversation<Tables>>,
): Job {
  return {
    name: `${role} conversations`,
    unit: 'conversations',
    role,
    step: async (seed) => {
      await checkConversations(role, compared, any, { count: CONVERSATIONS, seed });
      return CONVERSATIONS;
    },
    end: () => {},
  };
}

async function frames<Tables>(ground: Ground<Tables>): Promise<Job> {
  const { role, opening, openings } = ground;
  const corpus = new Corpus(ground);
  await corpus.refresh();
  return {
    name: `${role} mutated frames`,
    unit: 'frames',
    role,
    step: async (seed) => {
      const isCorpusRound = seed % CORPUS_ROUND === 0;
      const conversation = isCorpusRound ? opening : openings[seed % openings.length];
      if (!conversation) throw new RangeError(`${role} has no rows`);
      const see = isCorpusRound ? corpus.see.bind(corpus) : undefined;
      const finding = await runRound(ground, conversation, seed, see);
      if (finding) {
        const name = `${role}-frames-${seed}`;
        const report = reportDifference(name, finding.conversation, finding.comparison);
        throw new Error(`${role}, seed ${seed}: ${report}`);
      }
      await corpus.grow();
      return ROUND_FRAMES;
    },
    end: () => corpus.write(),
  };
}
