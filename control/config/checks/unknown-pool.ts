/** A listener names a pool that does not exist. */
import type { BalancerConfig } from '../balancer.ts';
import type { Problem } from '../problem.ts';
import { nearest } from '../suggest.ts';
import type { Check } from './check.ts';

export const unknownPool: Check<BalancerConfig> = ({ listeners, pools }, { isWhole }) => {
  // A pool that is there but wrong has been left out, and its problem told.
  if (!isWhole(['pools'])) return [];
  const names = pools.map(({ name }) => name);
  return listeners.flatMap(({ pool }, i): Problem[] => {
    if (names.includes(pool)) return [];
    const close = nearest(pool, names);
    const known = names.length === 0 ? 'there are none' : `pools are: ${names.join(', ')}`;
    const hint = close === undefined ? known : `did you mean '${close}'?`;
    return [{ path: ['listeners', i, 'pool'], message: `unknown pool '${pool}'; ${hint}` }];
  });
};
