/** Nanoseconds per packet of each kernel program under load, as the kernel itself counts them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  enableStats,
  programInfo,
  programInfoById,
  type ProgramInfo,
} from '../../datapath/binding/kernel-object.ts';
import { loadPrivateObject } from '../../datapath/binding/object.ts';
import { testRunInBackground } from '../../datapath/binding/test-run.ts';
import type { Lab } from '../lab.ts';
import { LabError, runProgram } from '../process.ts';
import type { Role } from '../topology.ts';
import type { Contender } from './contenders.ts';
import { runLoad, type LoadOptions, type MeasureName } from './measures.ts';

export type ProgramFigure = {
  program: string;
  load: MeasureName;
  packets: number;
  /** The cost of counting taken off. */
  nanosecondsPerPacket: number;
};

export type ProgramFigures = {
  /** What the kernel counts for a program that does nothing. */
  countingNanoseconds: number;
  programs: ProgramFigure[];
};

type Runs = Pick<ProgramInfo, 'runCount' | 'runNanoseconds'>;

type Hook = { program: string; role: Role; device: string; direction: 'ingress' | 'egress' };

/** The kernel cuts names to 15 letters; these are whole. */
const HOOKS: readonly Hook[] = [
  { program: 'balancer_ingress', role: 'balancer', device: 'eth0', direction: 'ingress' },
  { program: 'agent_to_server', role: 'host', device: 'vnet1', direction: 'egress' },
  { program: 'agent_from_server', role: 'host', device: 'vnet1', direction: 'ingress' },
];
const LOADS: readonly MeasureName[] = ['connections', 'requests', 'bulk'];
const NOTHING_RUNS = 1_000_000;

/** `contender` is the one with balancer and agent. */
export async function measurePrograms(
  contender: Contender,
  options: LoadOptions,
): Promise<ProgramFigures> {
  const attached = await Promise.all(
    HOOKS.map(async (hook) => ({ name: hook.program, id: await attachedId(contender.lab, hook) })),
  );
  const stats = enableStats();
  try {
    const countingNanoseconds = await nanosecondsOfNothing();
    const programs: ProgramFigure[] = [];
    for (const load of LOADS) {
      const before = attached.map(infoOf);
      await runLoad(load, contender, options);
      attached.map(infoOf).forEach((after, i) => {
        const spent = runsBetween(before[i] ?? after, after);
        programs.push({
          ...{ program: after.name, load, packets: spent.packets },
          nanosecondsPerPacket: spent.nanosecondsPerPacket - countingNanoseconds,
        });
      });
    }
    return { countingNanoseconds, programs };
  } finally {
    stats.close();
  }
}

export function runsBetween(before: Runs, after: Runs) {
  const packets = Number(after.runCount - before.runCount);
  const nanoseconds = Number(after.runNanoseconds - before.runNanoseconds);
  return { packets, nanosecondsPerPacket: packets === 0 ? 0 : nanoseconds / packets };
}

/** `tc -j filter show`: the id of the program of the first filter that has one. */
export function programIdIn(json: string): number | undefined {
  const filters = JSON.parse(json) as { options?: { prog?: { id: number } } }[];
  return filters.find(({ options }) => options?.prog !== undefined)?.options?.prog?.id;
}

async function attachedId(lab: Lab, { program, role, device, direction }: Hook): Promise<number> {
  const argv = ['tc', '-j', 'filter', 'show', 'dev', device, direction];
  const id = programIdIn((await lab.run(role, argv)).stdout);
  if (id === undefined)
    throw new LabError(
      'LAB_NOT_READY',
      `${program} is not at ${direction} of ${device} of ${role}`,
    );
  return id;
}

function infoOf({ id, name }: { id: number; name: string }): ProgramInfo {
  const info = programInfoById(id);
  if (info === undefined)
    throw new LabError('LAB_NOT_READY', `program ${name} was replaced while it was measured`);
  return { ...info, name };
}

async function nanosecondsOfNothing(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-bench-'));
  try {
    const path = join(folder, 'nothing.bpf.o');
    await runProgram(['clang', '-O2', '-g', '-target', 'bpf', '-x', 'c', '-c', '-', '-o', path], {
      input: '__attribute__((section("tc"), used)) int nothing(void *ctx) { return -1; }\n',
    });
    const object = await loadPrivateObject({ path, capacities: {} });
    try {
      const program = object.program('nothing');
      const before = programInfo(program.fd, program.name);
      await testRunInBackground(program, { packet: Buffer.alloc(64), repeat: NOTHING_RUNS });
      return runsBetween(before, programInfo(program.fd, program.name)).nanosecondsPerPacket;
    } finally {
      object.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
