/** The interfaces that programs attach to: offloads, forwarding, and the check of source addresses. */
import { readLinks } from './links.ts';
import { notSeen, ok, warn, fail, type Told } from '../finding.ts';
import type { DoctorCheck, Patient, Surroundings } from '../surroundings.ts';

const STRICT = '1';

export const offloads: DoctorCheck = {
  name: 'offloads',
  look: async (around, patient) => {
    const told: Told[] = [];
    for (const name of interfacesOf(patient)) told.push(...(await offloadsOf(around, name)));
    return told;
  },
};

async function offloadsOf({ run }: Surroundings, name: string): Promise<Told[]> {
  const link = await run(['ip', '-j', '-d', 'link', 'show', 'dev', name]);
  if (!link.seen) return [notSeen(link)];
  const kind = readLinks(link.value)[0]?.linkinfo?.info_kind;
  if (kind !== undefined)
    return [ok(`${name}: a ${kind}: packets come as large as the other end made them`)];
  const features = await run(['ethtool', '-k', name]);
  if (!features.seen) return [notSeen(features)];
  const isOn = (feature: string) => new RegExp(`^${feature}: on`, 'm').test(features.value);
  if (isOn('large-receive-offload'))
    return [
      fail(
        `${name}: large-receive-offload is on: the card joins segments for good, and what is forwarded is cut wrongly`,
        `ethtool -K ${name} lro off`,
      ),
    ];
  if (!isOn('generic-receive-offload'))
    return [
      warn(
        `${name}: generic-receive-offload is off: every segment is translated by itself`,
        `ethtool -K ${name} gro on`,
      ),
    ];
  return [ok(`${name}: segments are joined (GRO) and can be cut again; no LRO`)];
}

export const forwarding: DoctorCheck = {
  name: 'forwarding',
  look: async ({ read }, { balancer }) =>
    (balancer?.interfaces ?? []).map((name) => {
      const value = read(`/proc/sys/net/ipv4/conf/${name}/forwarding`);
      if (!value.seen) return notSeen(value);
      return value.value.trim() === '1'
        ? ok(`${name}: on`)
        : fail(
            `${name}: off: the kernel routes no packet for the balancer`,
            `sysctl -w net.ipv4.conf.${name.replaceAll('.', '/')}.forwarding=1`,
          );
    }),
};

/**
 * The kernel looks at source addresses behind the balancer's programs, so theirs do not matter to
 * it; but an agent on the server's own interface has put the client's address there by then.
 */
export const reversePath: DoctorCheck = {
  name: 'rp_filter',
  look: async ({ read }, { balancer, agent }) => {
    const restoring =
      agent?.mode === 'packet'
        ? agent.interfaces.filter(({ facing }) => facing === 'network').map(({ name }) => name)
        : [];
    const names = [...new Set([...(balancer?.interfaces ?? []), ...restoring])];
    return names.map((name) => {
      /* the kernel takes the larger of the two: 2, loose, wins over 1, strict */
      const values = ['all', name].map((one) => read(`/proc/sys/net/ipv4/conf/${one}/rp_filter`));
      const dark = values.find((value) => !value.seen);
      if (dark?.seen === false) return notSeen(dark);
      const strictest = values.flatMap((value) => (value.seen ? [value.value.trim()] : []));
      const isStrict = strictest.toSorted().at(-1) === STRICT;
      if (!isStrict) return ok(`${name}: not strict`);
      if (!restoring.includes(name))
        return ok(`${name}: strict, and packets are taken before it looks`);
      return warn(
        `${name}: strict: a client that this machine would answer by another interface is dropped`,
        `sysctl -w net.ipv4.conf.${name.replaceAll('.', '/')}.rp_filter=2`,
      );
    });
  },
};

function interfacesOf({ balancer, agent }: Patient): string[] {
  const packet = agent?.mode === 'packet' ? agent.interfaces.map(({ name }) => name) : [];
  return [...new Set([...(balancer?.interfaces ?? []), ...packet])];
}
