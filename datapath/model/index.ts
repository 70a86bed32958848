/** The data plane in plain TypeScript: the specification that the kernel programs are held to. */
export type * from './data-path.ts';
export { modelAgent, modelBalancer } from './path.ts';
export type * from './words.ts';
export { tupleOf, type Flow } from './flow.ts';
export type { Chance, Evictable, Network, Route, World } from './world.ts';
