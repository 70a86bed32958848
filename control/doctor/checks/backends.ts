/** Do the backends answer? As the health check asks: a handshake, ended at once. */
import { formatEndpoint } from '../../../packet/address.ts';
import { fail, ok, type Told } from '../finding.ts';
import type { DoctorCheck } from '../surroundings.ts';

/** More are not asked: this is a look at the machine, not a health check. */
const ASKED_MOST = 256;

export const backends: DoctorCheck = {
  name: 'backends',
  look: async ({ connect }, { balancer }) => {
    if (balancer === undefined) return [];
    const all = balancer.pools.flatMap((pool) => pool.backends.map(({ address }) => address));
    const asked = [...new Map(all.map((one) => [formatEndpoint(one), one])).values()];
    const first = asked.slice(0, ASKED_MOST);
    const silent: Told[] = [];
    await Promise.all(
      first.map(async (address) => {
        const outcome = await connect(address);
        const text = formatEndpoint(address);
        if (!outcome.ok) silent.push(fail(`${text}: ${outcome.reason}`, `fullnat probe ${text}`));
      }),
    );
    if (silent.length > 0) return silent.toSorted((a, b) => a.found.localeCompare(b.found));
    const rest = asked.length > first.length ? `the first ${first.length} of ` : 'all ';
    return [ok(`${rest}${asked.length} answer`)];
  },
};
