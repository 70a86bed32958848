/** The BPF file system, where programs and maps are pinned, and the cgroups that socket mode attaches to. */
import { fail, ok, warn } from '../finding.ts';
import type { DoctorCheck } from '../surroundings.ts';

const V2_ALONE = '/sys/fs/cgroup';

export const bpffs: DoctorCheck = {
  name: 'bpffs',
  look: async ({ isBpffsMounted }) => [
    isBpffsMounted()
      ? ok('mounted at /sys/fs/bpf')
      : warn(
          'not mounted at /sys/fs/bpf; daemons mount it when they start',
          'mount -t bpf bpf /sys/fs/bpf',
        ),
  ],
};

export const cgroups: DoctorCheck = {
  name: 'cgroup v2',
  look: async ({ machine }, { agent }) => {
    const root = machine.cgroupRoot();
    const isNeeded = agent?.mode === 'socket';
    if (root === undefined)
      return [
        (isNeeded ? fail : warn)(
          'the v2 hierarchy is not mounted; socket mode attaches to it',
          'mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
        ),
      ];
    const layout = root === V2_ALONE ? 'alone' : 'beside version 1';
    const wanted = isNeeded ? agent.cgroup : undefined;
    if (wanted !== undefined && !machine.isCgroup(wanted))
      return [
        fail(
          `mounted at ${root}, ${layout}, but ${wanted} is no cgroup of it; the agent waits for it`,
          `mkdir ${wanted}`,
        ),
      ];
    return [
      ok(`mounted at ${root}, ${layout}${wanted === undefined ? '' : `; ${wanted} is there`}`),
    ];
  },
};
