/** What happens to the lab's daemons while traffic goes on: ended, replaced by the next version, reconfigured. */

import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { BaseInfoRow } from '../../control/api/rows.ts';
import { list } from '../answers.ts';
import { DAEMONS, daemonStatus, startDaemon } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { configFile, logFile, type DaemonName } from '../paths.ts';
import { LabError, waitUntil } from '../process.ts';
import { SERVER_ADDRESSES, VIRTUAL_ADDRESS } from '../topology.ts';
import type { Installation } from './next-version.ts';

export type DaemonFault = {
  sentence: string;
  daemons: readonly DaemonName[];
  how: 'SIGKILL' | 'SIGTERM' | 'upgrade' | 'reload' | 'bad reload';
};

/** In this order, again and again. */
export const DAEMON_FAULTS: readonly DaemonFault[] = [
  { sentence: 'the balancer is killed', daemons: ['balancer'], how: 'SIGKILL' },
  { sentence: 'the configuration changes', daemons: DAEMONS, how: 'reload' },
  { sentence: 'the agent is killed', daemons: ['agent'], how: 'SIGKILL' },
  { sentence: 'the next version takes over', daemons: DAEMONS, how: 'upgrade' },
  { sentence: 'both are killed', daemons: DAEMONS, how: 'SIGKILL' },
  { sentence: 'the file has mistakes', daemons: DAEMONS, how: 'bad reload' },
  { sentence: 'both are stopped', daemons: DAEMONS, how: 'SIGTERM' },
];

/** Faults after which the same processes go on. */
export const RELOADS = DAEMON_FAULTS.filter(({ how }) => how === 'reload' || how === 'bad reload');

const WITHOUT_DAEMON_MS = 500;
const ANSWER_TIMEOUT_MS = 10_000;

/** Returns when the daemons work again. */
export async function inflict(
  lab: Lab,
  { daemons, how }: DaemonFault,
  next: Installation,
): Promise<void> {
  const { instance } = lab.options;
  const start = (name: DaemonName, main?: string) =>
    startDaemon(instance, name, configFile(instance, name), main);
  switch (how) {
    case 'SIGKILL':
    case 'SIGTERM':
      for (const name of daemons) await endDaemon(instance, name, how);
      await sleep(WITHOUT_DAEMON_MS);
      for (const name of daemons) await start(name);
      return;
    case 'upgrade':
      for (const name of daemons) {
        await endDaemon(instance, name, 'SIGTERM');
        await start(name, next.main);
      }
      return;
    case 'reload':
      for (const name of daemons) await reload(instance, name, turned(instance, name));
      return;
    case 'bad reload':
      for (const name of daemons) {
        const good = readFileSync(configFile(instance, name), 'utf8');
        await refuse(instance, name, `${good}\nlisteneers: []\n`);
        await reload(instance, name, good);
      }
  }
}

export async function endDaemon(
  instance: string,
  name: DaemonName,
  signal: NodeJS.Signals,
): Promise<void> {
  const { pid } = await daemonStatus(instance, name);
  if (pid === undefined) throw new LabError('LAB_NOT_UP', `${name} does not run`);
  process.kill(pid, signal);
  const isGone = async () => (await daemonStatus(instance, name)).pid === undefined;
  if (await waitUntil(isGone, { timeoutMs: ANSWER_TIMEOUT_MS })) return;
  const log = logFile(instance, name);
  throw new LabError('LAB_NOT_READY', `${name} does not end after ${signal}, see ${log}`);
}

/** To and fro between two configurations that differ in what concerns no connection there is. */
function turned(instance: string, name: DaemonName): string {
  const config = parse(readFileSync(configFile(instance, name), 'utf8')) as Config;
  const isTurned = config.timeouts !== undefined;
  if (isTurned) delete config.timeouts;
  else config.timeouts = { closing: '119s' };
  switch (name) {
    case 'balancer':
      config.listeners = (config.listeners ?? []).filter(
        ({ address }) => address !== MORE.listener,
      );
      if (!isTurned) config.listeners.push({ address: MORE.listener, pool: 'web' });
      break;
    case 'agent':
      config.servers = (config.servers ?? []).filter(({ address }) => address !== MORE.server);
      if (!isTurned) config.servers.push({ address: MORE.server });
  }
  return stringify(config);
}

type Config = {
  timeouts?: { closing: string };
  listeners?: { address: string; pool: string }[];
  servers?: { address: string }[];
};

/** There in one configuration of two. */
const MORE = {
  listener: `${VIRTUAL_ADDRESS}:20056`,
  server: `${SERVER_ADDRESSES.server1}:10056`,
};

function reload(instance: string, name: DaemonName, text: string): Promise<void> {
  return hangUp(instance, name, text, (before, now) => {
    return now.configSince !== before.configSince && now.reloadError === null;
  });
}

function refuse(instance: string, name: DaemonName, text: string): Promise<void> {
  return hangUp(instance, name, text, (before, now) => {
    return now.reloadError !== null && now.configSince === before.configSince;
  });
}

async function hangUp(
  instance: string,
  name: DaemonName,
  text: string,
  isDone: (before: BaseInfoRow, now: BaseInfoRow) => boolean,
): Promise<void> {
  const info = async () => {
    const [row] = await list<BaseInfoRow>(instance, name, 'info');
    if (row === undefined) throw new LabError('LAB_NOT_READY', `${name} gives no info`);
    return row;
  };
  const before = await info();
  writeFileSync(configFile(instance, name), text);
  process.kill(before.pid, 'SIGHUP');
  const done = async () => isDone(before, await info());
  if (await waitUntil(done, { timeoutMs: ANSWER_TIMEOUT_MS, everyMs: 20 })) return;
  const { reloadError } = await info();
  throw new LabError('LAB_NOT_READY', `${name} did not reload as expected: ${reloadError}`);
}
