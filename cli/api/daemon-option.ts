/** For commands that either daemon understands. */
import { choice } from '../choice.ts';
import { optionOr } from '../command.ts';
import { socketOf } from '../daemons.ts';
import type { Target } from './call.ts';
import { namedTarget, type TargetOptions } from './target.ts';

const DAEMONS = ['balancer', 'agent'] as const;

export const daemonOption = {
  daemon: optionOr(
    '--daemon <name>',
    'balancer or agent, of this machine',
    choice('daemon', DAEMONS),
    'balancer',
  ),
};

export function daemonTarget(
  options: TargetOptions & { readonly daemon: (typeof DAEMONS)[number] },
): Target {
  const { instance, daemon } = options;
  return namedTarget(options) ?? { kind: 'socket', path: socketOf(instance, daemon) };
}
