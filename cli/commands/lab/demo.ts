/** `fullnat lab demo` */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { INSTEAD, demoMachine, missingForDemo } from '../../../lab/demo/requirements.ts';
import { tellPortableStory } from '../../../lab/demo/portable/story.ts';
import { tellStory } from '../../../lab/demo/story.ts';
import type { Expectation } from '../../../lab/demo/expectation.ts';
import { LabError } from '../../../lab/process.ts';
import { down } from '../../../lab/up.ts';
import { CommandError, command, flag, optionOr } from '../../command.ts';
import type { Context } from '../../command.ts';
import { checkInstance } from '../../../lab/topology.ts';
import { farewell } from '../../output/demo/farewell.ts';
import { portableBeginning, portableTeller } from '../../output/demo/portable.ts';
import { demoTeller } from '../../output/demo/teller.ts';
import { progressOn } from '../../output/progress.ts';
import { doing, reading } from './common.ts';

const PORTABLE_GUIDE = 'More: docs/guides/without-ebpf.md';
/** For a step to notice that it was interrupted. */
const GRACE_MS = 2_000;

export const labDemo = command({
  name: 'demo',
  summary: 'Tell what fullnat does, on a lab of its own, in half a minute',
  details:
    'One connection at four capture points; the collision that other systems have; the same\n' +
    'with collisions remapped; both under load. Every number is measured in the run; exit\n' +
    'code 1 when one is not as it should be. Leaves the lab up.\n\n' +
    'Without root, or where the kernel cannot: says what is missing, and shows full NAT by the\n' +
    'portable engine instead, on addresses of 127.0.0.0/8. Leaves nothing.',
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
    if (missing.length > 0) return portable(missing, context);

    const start = performance.now();
    // Also when the reader of a pipe has gone (`… | head`), which ends the process at once.
    const removeAtExit = () => removeNow(instance);
    process.once('exit', removeAtExit);
    const failed = await doing(() => told(instance, context));
    if (failed !== 'interrupted') {
      const seconds = ((performance.now() - start) / 1000).toFixed(0);
      stdout.write(
        failed.length > 0
          ? `\n${stdout.style.bad(`${failed.length} of the claims did not hold.`)}\n`
          : `\n${stdout.style.good(`Everything held, in ${seconds} s.`)}\n`,
      );
      if (once) await doing(() => down(instance));
      else stdout.write(farewell(instance, stdout));
    }
    process.off('exit', removeAtExit);
    if (failed === 'interrupted') {
      stderr.write(`stopped; lab '${instance}' is removed\n`);
      return 128 + constants.signals[signal.reason as NodeJS.Signals];
    }
    return failed.length > 0 ? 1 : 0;
  },
});

/** Whatever ends the story early, nothing of its lab is left. */
async function told(instance: string, context: Context): Promise<Expectation[] | 'interrupted'> {
  const { stdout, stderr, signal } = context;
  const progress = progressOn(stderr, stdout.isTerminal && stderr.isTerminal);
  const story = tellStory(instance, demoTeller({ stdout, progress, instance }), signal);
  // What the story waits for ends when its lab is gone; whatever does not is not waited for.
  let giveUp: NodeJS.Timeout | undefined;
  const cutOff = new Promise<never>((_, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        down(instance).catch(() => {}); // once more below, where a failure is told
        giveUp = setTimeout(() => reject(new Error('interrupted')), GRACE_MS);
      },
      { once: true },
    );
  });
  try {
    return await Promise.race([story, cutOff]);
  } catch (error) {
    await down(instance);
    if (signal.aborted) return 'interrupted';
    if (error instanceof LabError) {
      throw new CommandError(`the demo ended early: ${error.message}\n${alternatives()}`);
    }
    throw error;
  } finally {
    clearTimeout(giveUp);
    progress.end();
  }
}

/** Where the kernel's engine cannot run: the story of the portable one, and what is missing for the other. */
async function portable(missing: readonly string[], { stdout, signal }: Context): Promise<number> {
  stdout.write(portableBeginning(missing));
  try {
    const failed = await tellPortableStory(portableTeller(stdout), signal);
    stdout.write(
      failed.length > 0
        ? `\n${stdout.style.bad(`${failed.length} of the claims did not hold.`)}\n`
        : `\n${stdout.style.good('Everything held.')} ${PORTABLE_GUIDE}\n`,
    );
    return failed.length > 0 ? 1 : 0;
  } catch (error) {
    if (signal.aborted) return 128 + constants.signals[signal.reason as NodeJS.Signals];
    if (error instanceof LabError)
      throw new CommandError(`the demo ended early: ${error.message}\n${alternatives()}`);
    throw error;
  }
}

function alternatives(): string {
  return `what works without:\n${INSTEAD.map((each) => `  ${each}`).join('\n')}`;
}

/** As `fullnat lab down`, where nothing can be waited for any more. */
function removeNow(instance: string): void {
  const main = resolve(import.meta.dirname, '../../main.js');
  spawnSync(process.execPath, [main, 'lab', 'down', '--instance', instance], { stdio: 'ignore' });
}
