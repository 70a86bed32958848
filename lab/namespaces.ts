/** Network namespaces: made, removed, entered, and searched for processes. */

import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { linkLines, namespaceLines, roleLines } from './commands.ts';
import type { Ran, RunOptions, StartOptions } from './process.ts';
import { LabError, runProgram, startProgram, waitUntil } from './process.ts';
import type { Topology } from './topology.ts';
import { ROLES, namespaceName } from './topology.ts';

const NETNS_FOLDER = '/run/netns';
const BRIDGE_TIMEOUT_MS = 5_000;

/** Makes the namespaces of a topology with everything in them. */
export async function createNamespaces(topology: Topology): Promise<void> {
  await ip([], namespaceLines(topology));
  // Before the devices: they take their settings from `conf.default` when they are made.
  await Promise.all(
    topology.namespaces.map(({ name, sysctls }) => run(name, ['sysctl', '-qw', ...sysctls])),
  );
  await ip([], linkLines(topology));
  await Promise.all(
    topology.namespaces.map(({ role, name }) => ip(['-n', name], roleLines(topology, role))),
  );
  await waitForBridges(topology);
}

/** Kills what runs in the instance's namespaces, then removes them; returns what was removed. */
export async function deleteNamespaces(instance: string): Promise<string[]> {
  const names = listNamespaces(instance);
  await killProcessesIn(names);
  for (const name of names) {
    const { code } = await runProgram(['ip', 'netns', 'delete', name], { accept: 'any' });
    // Creation was cut off between the file and its mount: only the file is there.
    if (code !== 0) rmSync(namespacePath(name), { force: true });
  }
  return names;
}

/** The instance's namespaces that exist now. */
export function listNamespaces(instance: string): string[] {
  return ROLES.map((role) => namespaceName(instance, role)).filter((name) =>
    existsSync(namespacePath(name)),
  );
}

/** Runs a program in a namespace to its end. */
export function run(
  namespace: string,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  return runProgram(enter(namespace, argv), options);
}

/** Starts a program in a namespace; its pid is the program's own. */
export function spawn(
  namespace: string,
  argv: readonly string[],
  options: StartOptions = {},
): ChildProcess {
  return startProgram(enter(namespace, argv), options);
}

/** The argument list that runs `argv` in a namespace; nsenter replaces itself by it. */
export function enter(namespace: string, argv: readonly string[]): string[] {
  return ['nsenter', `--net=${namespacePath(namespace)}`, '--', ...argv];
}

/** Processes whose network namespace is one of `names`, this process left out. */
export function processesIn(names: readonly string[]): number[] {
  const wanted = new Set(names.map((name) => identity(namespacePath(name))));
  wanted.delete(undefined);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => wanted.has(identity(`/proc/${pid}/ns/net`)))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

export function namespacePath(name: string): string {
  return `${NETNS_FOLDER}/${name}`;
}

/** Device and inode name a namespace; undefined when the process or file is gone. */
function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** A bridge drops what arrives before its ports forward; the first SYN must not be that. */
async function waitForBridges(topology: Topology): Promise<void> {
  const forwarding = await Promise.all(
    topology.bridges.map(({ role }) => {
      const argv = ['bridge', '-j', 'link'];
      return waitUntil(
        async () => {
          const { stdout } = await run(namespaceName(topology.instance, role), argv);
          const ports = JSON.parse(stdout) as { state: string }[];
          return ports.every(({ state }) => state === 'forwarding');
        },
        { timeoutMs: BRIDGE_TIMEOUT_MS },
      );
    }),
  );
  if (forwarding.includes(false)) {
    throw new LabError('LAB_NOT_READY', 'the bridges of the lab did not start to forward');
  }
}

async function killProcessesIn(names: readonly string[]): Promise<void> {
  // Again and again: what is killed may just have started another.
  await waitUntil(
    () => {
      const pids = processesIn(names);
      for (const pid of pids) kill(pid);
      return pids.length === 0;
    },
    { timeoutMs: 5_000 },
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function ip(options: readonly string[], lines: readonly string[]): Promise<Ran> {
  return runProgram(['ip', ...options, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
