/** `fullnat lab …`: the network to try fullnat in, and everything that runs there. */
import type { Group } from '../command.ts';
import { labCase } from './lab/case.ts';
import { labDemo } from './lab/demo.ts';
import { labDown } from './lab/down.ts';
import { labExec } from './lab/exec.ts';
import { labStatus } from './lab/status.ts';
import { labUp } from './lab/up.ts';

export const lab: Group = {
  name: 'lab',
  summary: 'Build a network in namespaces to try fullnat in, and run things there',
  commands: [labUp, labDown, labStatus, labExec, labCase, labDemo],
};
