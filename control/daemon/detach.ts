/** Takes an instance's programs and maps away, whether its daemons run or not. */
import { detach, detachInstance, type Detached } from '../../datapath/binding/attach.ts';
import { ROLES, type Role } from '../../datapath/binding/pins.ts';
import { isAnswered, removeRunDirectory, removeSocket, socketPath } from '../api/socket.ts';

export type DetachReport = {
  /** `eth0 ingress` … */
  readonly filters: readonly string[];
  /** Interfaces whose clsact qdisc we had made and nobody else used. */
  readonly qdiscs: readonly string[];
  /** Programs that were attached to a cgroup. */
  readonly links: number;
  readonly pins: number;
  readonly sessionsEnded: number;
  /** Roles that are attached in another network namespace, and therefore stay. */
  readonly elsewhere: Detached['elsewhere'];
  /** Daemons that still run, and now see no packets. */
  readonly running: readonly Role[];
};

export async function detachEverything(instance: string): Promise<DetachReport> {
  const running = await runningDaemons(instance);
  const done = await detachInstance(instance);
  for (const role of ROLES) if (!running.includes(role)) removeSocket(instance, role);
  removeRunDirectory(instance);
  return { ...done, running };
}

/** Filters only: maps stay for the other interfaces. */
export async function detachInterfaces(
  instance: string,
  interfaces: readonly string[],
): Promise<DetachReport> {
  const running = await runningDaemons(instance);
  const filters: string[] = [];
  for (const name of interfaces)
    for (const role of ROLES)
      for (const direction of ['ingress', 'egress'] as const)
        if (detach({ instance, role, interface: name, direction }))
          filters.push(`${name} ${direction}`);
  return { filters, qdiscs: [], links: 0, pins: 0, sessionsEnded: 0, elsewhere: [], running };
}

async function runningDaemons(instance: string): Promise<Role[]> {
  const answered = await Promise.all(
    ROLES.map(async (role) => ({ role, runs: await isAnswered(socketPath(instance, role)) })),
  );
  return answered.filter(({ runs }) => runs).map(({ role }) => role);
}
