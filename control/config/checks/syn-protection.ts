/** A threshold for SYN cookies that nobody asks, or that is never reached. */
import type { BalancerConfig } from '../balancer.ts';
import type { Problem } from '../problem.ts';
import type { Check } from './check.ts';

export const synThreshold: Check<BalancerConfig> = (
  { listeners, sessions: { openingMax } },
  { isGiven },
) =>
  listeners.flatMap((listener, i): Problem[] => {
    const path = ['listeners', i, 'synThreshold'];
    if (!isGiven(path)) return [];
    if (listener.synProtection !== 'auto')
      return [
        {
          path,
          message: `synThreshold is for synProtection: auto, and it is ${listener.synProtection}`,
        },
      ];
    if (listener.synThreshold <= openingMax) return [];
    return [
      {
        path,
        message:
          `synThreshold (${listener.synThreshold}) must not exceed sessions.openingMax (${openingMax}): ` +
          `with so many, half-open sessions give way before cookies begin`,
      },
    ];
  });
