/** Every command of `fullnat`, in the order its help lists them: a new command is a file in commands/ and a line here. */
import type { Command, Group } from './command.ts';
import { agent } from './commands/agent.ts';
import { balancer } from './commands/balancer.ts';
import { check } from './commands/check.ts';
import { detach } from './commands/detach.ts';
import { diagnose } from './commands/diagnose.ts';
import { doctor } from './commands/doctor.ts';
import { get } from './commands/get.ts';
import { lab } from './commands/lab.ts';
import { probe } from './commands/probe.ts';
import { trace } from './commands/trace.ts';
import { version } from './commands/version.ts';

export const REGISTRY: readonly (Command | Group)[] = [
  agent,
  balancer,
  check,
  detach,
  diagnose,
  doctor,
  get,
  lab,
  probe,
  trace,
  version,
];
