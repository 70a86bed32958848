/** The daemons of the instance: do they run, and are they what is installed? */
import { CONTRACT_VERSION } from '../../../datapath/binding/contract.ts';
import { notSeen, ok, warn, type Told } from '../finding.ts';
import type { DoctorCheck, Patient, Surroundings } from '../surroundings.ts';

export const daemons: DoctorCheck = {
  name: 'daemons',
  look: async (around, patient) => {
    const told: Told[] = [];
    for (const role of ['balancer', 'agent'] as const)
      told.push(...(await daemon(around, patient, role)));
    return told.length > 0
      ? told
      : [ok(`none of instance ${patient.instance}, and none configured`)];
  },
};

async function daemon(
  { ask, isHere }: Surroundings,
  { version, ...patient }: Patient,
  role: 'balancer' | 'agent',
): Promise<Told[]> {
  const config = patient[role];
  const instance = config?.instance ?? patient.instance;
  const info = await ask(instance, role);
  if (!info.seen) return [notSeen(info)];
  if (info.value === undefined)
    return config === undefined
      ? []
      : [
          warn(
            `the ${role} of instance ${instance} does not run; what it attached goes on by itself`,
            `fullnat ${role} -c FILE`,
          ),
        ];
  const { version: running, contractVersion, pid, configFile } = info.value;
  const isCurrent = running === version && contractVersion === CONTRACT_VERSION;
  if (isCurrent && !isHere(pid))
    return [
      {
        ...ok(`${role} ${running} runs in another network namespace; look at that from there`),
        mend: `nsenter --net=/proc/${pid}/ns/net fullnat doctor --instance ${instance}`,
      },
    ];
  if (isCurrent) return [ok(`${role} ${running} runs (pid ${pid}), layout ${contractVersion}`)];
  return [
    warn(
      `${role} ${running} with layout ${contractVersion} runs; this is ${version} with layout ${CONTRACT_VERSION}`,
      `kill ${pid}; fullnat ${role} -c ${configFile}`,
    ),
  ];
}
