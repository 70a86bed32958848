/** What this process may do: the daemons need the same. */
import { notSeen, ok, warn } from '../finding.ts';
import type { DoctorCheck } from '../surroundings.ts';

/** By their bits in CapEff (linux/capability.h). */
const NEEDED = { CAP_NET_ADMIN: 12, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
/** Includes the other two. */
const CAP_SYS_ADMIN = 21;

export const rights: DoctorCheck = {
  name: 'rights',
  look: async ({ read }) => {
    const status = read('/proc/self/status');
    if (!status.seen) return [notSeen(status)];
    const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status.value)?.[1] ?? '0'}`);
    const has = (bit: number) => ((bits >> BigInt(bit)) & 1n) === 1n;
    const lacking = Object.entries(NEEDED)
      .filter(([name, bit]) => !has(bit) && (name === 'CAP_NET_ADMIN' || !has(CAP_SYS_ADMIN)))
      .map(([name]) => name);
    return [
      lacking.length === 0
        ? ok(Object.keys(NEEDED).join(', '))
        : warn(
            `without ${lacking.join(', ')}: much cannot be seen, and no daemon could run like this`,
            'sudo fullnat doctor',
          ),
    ];
  },
};
