/** All bugs that are planted, one at a time. */
import type { Mutation } from '../mutation.ts';
import { agentMutations } from './agent.ts';
import { balancerMutations } from './balancer.ts';
import { libMutations } from './lib.ts';
import { socketMutations } from './socket.ts';

export const mutations: readonly Mutation[] = [
  ...libMutations,
  ...balancerMutations,
  ...agentMutations,
  ...socketMutations,
];
