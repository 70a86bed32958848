/** Can this kernel run the programs? They are loaded, as the daemons do it, and let go again. */
import { fail, notSeen, ok, warn, type Told } from '../finding.ts';
import {
  KERNEL_OBJECTS,
  type DoctorCheck,
  type KernelObject,
  type Patient,
  type Surroundings,
} from '../surroundings.ts';

/** docs/kernel-requirements.md. */
const FLOOR = { major: 6, minor: 1 } as const;
const REQUIREMENTS = 'docs/kernel-requirements.md';
const BTF = '/sys/kernel/btf/vmlinux';
const JIT = '/proc/sys/net/core/bpf_jit_enable';

const NAMES: Readonly<Record<KernelObject, string>> = {
  balancer: 'balancer',
  agent: 'agent in packet mode',
  socket: 'agent in socket mode',
};

export const kernelVersion: DoctorCheck = {
  name: 'kernel',
  look: async ({ kernelRelease }) => {
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernelRelease)?.map(Number) ?? [];
    if (major === undefined || minor === undefined)
      return [warn(`Linux ${kernelRelease}: a version that cannot be read`)];
    const isOld = major < FLOOR.major || (major === FLOOR.major && minor < FLOOR.minor);
    return [
      isOld
        ? fail(
            `Linux ${kernelRelease}; ${FLOOR.major}.${FLOOR.minor} is the least (${REQUIREMENTS})`,
            'apt-get install linux-image-amd64',
          )
        : ok(`Linux ${kernelRelease}`),
    ];
  },
};

/** Loading asks for every helper, map type and program type that is used. */
export const kernelPrograms: DoctorCheck = {
  name: 'kernel programs',
  look: async (around, patient) => {
    const told: Told[] = [];
    for (const object of objectsOf(patient)) told.push(await loadedProgram(around, object));
    return told;
  },
};

export const kernelSettings: DoctorCheck = {
  name: 'kernel settings',
  look: async ({ read }, patient) => {
    const jit = read(JIT);
    const btf = read(BTF);
    return [
      ...(jit.seen && jit.value.trim() === '0'
        ? [
            warn(
              'programs are interpreted, not compiled: some 5 times slower',
              'sysctl -w net.core.bpf_jit_enable=1',
            ),
          ]
        : []),
      ...(objectsOf(patient).includes('socket') && !btf.seen
        ? [
            fail(
              `socket mode needs ${BTF} (CONFIG_DEBUG_INFO_BTF), and it is not there`,
              'apt-get install linux-image-amd64',
            ),
          ]
        : []),
    ];
  },
};

/** Those that are configured here; all, when nothing is. */
function objectsOf({ balancer, agent }: Patient): readonly KernelObject[] {
  if (balancer === undefined && agent === undefined) return KERNEL_OBJECTS;
  const isWanted: Readonly<Record<KernelObject, boolean>> = {
    balancer: balancer !== undefined,
    agent: agent?.mode === 'packet',
    socket: agent?.mode === 'socket',
  };
  return KERNEL_OBJECTS.filter((object) => isWanted[object]);
}

async function loadedProgram({ load }: Surroundings, object: KernelObject): Promise<Told> {
  const loaded = await load(object);
  switch (loaded.kind) {
    case 'loaded':
      return ok(
        `${NAMES[object]}: ${loaded.programs} programs verified and loaded in ${Math.round(loaded.milliseconds)} ms`,
      );
    case 'not-permitted':
      return notSeen({
        why: `${NAMES[object]}: loading its programs needs root`,
        mend: 'sudo fullnat doctor',
      });
    case 'refused':
      return fail(`${NAMES[object]}: ${loaded.message}`, `less ${REQUIREMENTS}`);
  }
}
