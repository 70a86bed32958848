/** `fullnat lab demo` */
import { constants } from 'node:os';
import { INSTEAD, demoMachine, missingForDemo } from '../../../lab/demo/requirements.ts';
import { tellStory } from '../../../lab/demo/story.ts';
import type { Expectation } from '../../../lab/demo/expectation.ts';
import { LabError } from '../../../lab/process.ts';
import { down } from '../../../lab/up.ts';
import { CommandError, command, flag, optionOr } from '../../command.ts';
import type { Context } from '../../command.ts';
import { checkInstance } from '../../../lab/topology.ts';
import { demoTeller, farewell } from '../../output/demo.ts';
import { progressOn } from '../../output/progress.ts';
import { doing, reading } from './common.ts';

export const labDemo = command({
  name: 'demo',
  summary: 'Tell what fullnat does, on a lab of its own, in half a minute',
  details:
    'One connection at four capture points; the collision that other systems have; the same\n' +
    'with collisions remapped; both under load. Every number is measured in the run; exit\n' +
    'code 1 when one is not as it should be. Leaves the lab up. Needs root.',
  arguments: {},
  options: {
    once: flag('--once', 'remove the lab at the end'),
    instance: optionOr('--instance <name>', 'of the lab', reading(checkInstance), 'demo'),
  },
  examples: [
    { command: 'fullnat lab demo', does: 'then try things in it' },
    { command: 'fullnat lab demo --once', does: 'leaves nothing behind' },
  ],
  handler: async ({ options: { once, instance } }, context) => {
    const { stdout, stderr, signal } = context;
    const missing = missingForDemo(demoMachine());
    if (missing.length > 0) throw new CommandError(cannotRun(missing));

    const start = performance.now();
    const failed = await doing(() => told(instance, context));
    if (failed === 'interrupted') {
      stderr.write(`stopped; lab '${instance}' is removed\n`);
      return 128 + constants.signals[signal.reason as NodeJS.Signals];
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    if (failed.length > 0) {
      stdout.write(`\n${stdout.style.bad(`${failed.length} of the claims did not hold`)}\n`);
    } else {
      stdout.write(`\n${stdout.style.good(`Everything held, in ${seconds} s.`)}\n`);
    }
    if (once) await doing(() => down(instance));
    else stdout.write(farewell(instance, stdout));
    return failed.length > 0 ? 1 : 0;
  },
});

/** Whatever ends the story early, nothing of its lab is left. */
async function told(instance: string, context: Context): Promise<Expectation[] | 'interrupted'> {
  const { stdout, stderr, signal } = context;
  const progress = progressOn(stderr, stdout.isTerminal && stderr.isTerminal);
  const story = tellStory(instance, demoTeller({ stdout, progress, instance }), signal);
  // What the story waits for ends when its lab is gone.
  const cutOff = () => void down(instance).catch(() => {});
  signal.addEventListener('abort', cutOff, { once: true });
  try {
    return await story;
  } catch (error) {
    await down(instance);
    if (signal.aborted) return 'interrupted';
    if (error instanceof LabError) {
      throw new CommandError(`the demo ended early: ${error.message}\n${alternatives()}`);
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', cutOff);
    progress.clear();
  }
}

function cannotRun(missing: readonly string[]): string {
  const needs = missing.map((each) => `  ${each}`).join('\n');
  return `the demo cannot run here; missing:\n${needs}\n${alternatives()}`;
}

function alternatives(): string {
  return `what works without:\n${INSTEAD.map((each) => `  ${each}`).join('\n')}`;
}
