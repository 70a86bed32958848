/** What is there of a lab now, as a value that prints as it is or as JSON. */

import type { DaemonStatus } from './daemons.ts';
import { DAEMONS, daemonStatus } from './daemons.ts';
import { listNamespaces, processesIn } from './namespaces.ts';
import type { LabOptions } from './options.ts';
import { labOptions } from './options.ts';
import { serverAnswers, serverPid } from './servers.ts';
import type { Role, ServerRole } from './topology.ts';
import { SERVER_ADDRESSES, SERVER_PORT, isServer } from './topology.ts';
import { currentOptions, topologyOf } from './up.ts';

export type NamespaceStatus = {
  role: Role;
  name: string;
  exists: boolean;
  /** `eth0 10.0.23.1/24` */
  addresses: string[];
  processes: number;
};

export type ServerStatus = {
  name: ServerRole;
  address: string;
  pid: number | undefined;
  answers: boolean;
};

export type LabStatus = {
  instance: string;
  /** Everything that the lab was built with is there and answers. */
  whole: boolean;
  /** Undefined when no lab was completely built. */
  options: LabOptions | undefined;
  namespaces: NamespaceStatus[];
  daemons: DaemonStatus[];
  servers: ServerStatus[];
};

export async function status(instance: string): Promise<LabStatus> {
  const options = currentOptions(instance);
  const existing = listNamespaces(instance);
  const planned = topologyOf(options ?? labOptions({ instance }));
  const namespaces = planned.namespaces.map(({ role, name }) => ({
    role,
    name,
    exists: existing.includes(name),
    addresses: planned.addresses
      .filter((address) => address.role === role)
      .map(({ device, address }) => `${device} ${address}`),
    processes: existing.includes(name) ? processesIn([name]).length : 0,
  }));
  const daemons =
    options?.daemons === true
      ? await Promise.all(DAEMONS.map((name) => daemonStatus(instance, name)))
      : [];
  const servers = await Promise.all(
    namespaces
      .filter(({ exists }) => exists)
      .map(({ role }) => role)
      .filter(isServer)
      .map(async (name) => ({
        name,
        address: `${SERVER_ADDRESSES[name]}:${SERVER_PORT}`,
        pid: serverPid(instance, name),
        answers: await serverAnswers(instance, name),
      })),
  );
  return {
    instance,
    whole:
      options !== undefined &&
      namespaces.every(({ exists }) => exists) &&
      servers.every(({ answers }) => answers) &&
      daemons.every(({ answers }) => answers),
    options,
    namespaces,
    daemons,
    servers,
  };
}
