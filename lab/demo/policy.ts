/** Another collision policy for a lab that is up: the agent is started again, the data path stays. */

import { writeFileSync } from 'node:fs';
import { agentConfig } from '../config.ts';
import { daemonStatus, startDaemon } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import type { CollisionPolicy } from '../options.ts';
import { configFile, optionsFile } from '../paths.ts';
import { LabError, waitUntil } from '../process.ts';

const STOP_TIMEOUT_MS = 5_000;

/** Returns the lab as it is then; sessions and connections are not disturbed. */
export async function changePolicy(lab: Lab, onCollision: CollisionPolicy): Promise<Lab> {
  const options = { ...lab.options, onCollision };
  const { instance } = options;
  await stopAgent(instance);
  const config = configFile(instance, 'agent');
  writeFileSync(config, agentConfig(options));
  await startDaemon(instance, 'agent', config);
  writeFileSync(optionsFile(instance), `${JSON.stringify(options, undefined, 2)}\n`);
  return openLab(instance);
}

async function stopAgent(instance: string): Promise<void> {
  const { pid } = await daemonStatus(instance, 'agent');
  if (pid === undefined) throw new LabError('LAB_NOT_READY', 'the agent of the lab does not run');
  process.kill(pid, 'SIGTERM');
  const isGone = async () => (await daemonStatus(instance, 'agent')).pid === undefined;
  if (await waitUntil(isGone, { timeoutMs: STOP_TIMEOUT_MS })) return;
  throw new LabError('LAB_NOT_READY', 'the agent of the lab did not end');
}
