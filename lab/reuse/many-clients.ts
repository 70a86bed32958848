/** Many client addresses in one namespace, and programs that connect from all of them. */

import { closeSync } from 'node:fs';
import { resolve } from 'node:path';
import { linkToCgroup } from '../../datapath/binding/cgroup.ts';
import { struct, u32 } from '../../datapath/binding/codec.ts';
import { ArrayMap } from '../../datapath/binding/map.ts';
import { loadPrivateObject } from '../../datapath/binding/object.ts';
import { ipv4Address } from '../../packet/index.ts';
import { createCgroup, removeCgroup } from '../cgroups.ts';
import type { Lab } from '../lab.ts';
import { LabError } from '../process.ts';

export type ClientRole = 'client' | 'client2';

export type ManyClients = {
  /** The argument list that runs `argv` so that each connect() takes an address in turn. */
  within(argv: readonly string[]): string[];
  close(): Promise<void>;
};

const PROGRAM = resolve(import.meta.dirname, 'many-clients.bpf.o');
const PREFIX = 24;

const sources = struct('sources', { first: u32, count: u32 });

/** Gives the client `count` addresses from `first` on, for as long as the lab stands. */
export async function startManyClients(
  lab: Lab,
  role: ClientRole,
  { first, count }: { first: string; count: number },
): Promise<ManyClients> {
  const { instance } = lab.options;
  const cgroup = createCgroup(instance, role);
  if (cgroup === undefined)
    throw new LabError('LAB_NOT_PERMITTED', 'many clients need the v2 cgroup hierarchy');
  await lab.run(role, ['ip', '-batch', '-'], { input: addressLines(first, count) });
  const object = await loadPrivateObject({ path: PROGRAM, capacities: {} });
  new ArrayMap(object.map('sources'), sources).set(0, { first: ipv4Address(first), count });
  const link = linkToCgroup(object.program('choose_source'), cgroup, 'connect4');
  return {
    // 0 is the shell itself, which exec turns into the program.
    within: (argv) => [
      ...['sh', '-c', 'echo 0 >"$0" && exec "$@"', `${cgroup}/cgroup.procs`],
      ...argv,
    ],
    close: async () => {
      closeSync(link);
      object.close();
      await removeCgroup(instance, role);
    },
  };
}

function addressLines(first: string, count: number): string {
  const [, network, host] = /^(.*\.)(\d+)$/.exec(first) ?? [];
  return Array.from(
    { length: count },
    (_, i) => `addr replace ${network}${Number(host) + i}/${PREFIX} dev eth0\n`,
  ).join('');
}
