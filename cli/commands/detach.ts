/** `fullnat detach`: removes an instance from the kernel. */
import {
  detachEverything,
  detachInterfaces,
  type DetachReport,
} from '../../control/daemon/detach.ts';
import { isForPeople } from '../../control/daemon/failure.ts';
import { command, CommandError, option, optionOr, UsageError } from '../command.ts';
import { readInstance } from '../instance.ts';

export const detach = command({
  name: 'detach',
  summary: 'Remove the kernel programs and maps of an instance; ends its sessions',
  details:
    'Works whether its daemons run or not, for balancer and agent alike, on every interface of\n' +
    'this network namespace, and on the cgroup of an agent in socket mode. What other programs\n' +
    'attached is left alone. Doing it again is no error. With --interface only the filters of\n' +
    'those interfaces go; maps and sessions stay.\n' +
    'Exit code 1: a part is attached in another network namespace and could not be removed here.',
  arguments: {},
  options: {
    instance: optionOr('--instance <name>', 'which instance', readInstance, 'default'),
    interfaces: option('--interface <names>', 'only these, comma-separated', readInterfaces),
  },
  examples: [
    { command: 'fullnat detach', does: 'remove the instance "default"' },
    {
      command: 'fullnat detach --instance lab --interface eth0',
      does: 'take it off one interface',
    },
  ],
  handler: async ({ options: { instance, interfaces } }, { stdout, stderr }) => {
    const report = await whole(() =>
      interfaces === undefined
        ? detachEverything(instance)
        : detachInterfaces(instance, interfaces),
    );
    stdout.write(`${describe(instance, report)}\n`);
    for (const warning of warningsOf(instance, report)) stderr.write(`fullnat: ${warning}\n`);
    return report.elsewhere.length > 0 ? 1 : 0;
  },
});

/** Daemons from under which the programs were taken, and roles whose programs are elsewhere. */
export function warningsOf(
  instance: string,
  { running, elsewhere, filters, links, pins }: DetachReport,
): string[] {
  const hasRemoved = filters.length + links + pins > 0;
  const isElsewhere = (role: string) => elsewhere.some((other) => other.role === role);
  return [
    ...running
      .filter((role) => hasRemoved && !isElsewhere(role))
      .map(
        (role) =>
          `the ${role} of instance ${instance} still runs but sees no packets now; stop it, or start it again`,
      ),
    ...elsewhere.map(
      ({ role, namespace }) =>
        `the ${role} is attached in another network namespace; run it there: nsenter --net=${namespace} fullnat detach --instance ${instance}`,
    ),
  ];
}

function describe(
  instance: string,
  { filters, qdiscs, links, pins, sessionsEnded }: DetachReport,
): string {
  if (filters.length + qdiscs.length + links + pins === 0)
    return `nothing of instance ${instance} is here`;
  const removed = [
    ...filters.map((filter) => `filter on ${filter}`),
    ...qdiscs.map((name) => `clsact qdisc of ${name}`),
    ...(links > 0 ? [`${links} programs on a cgroup`] : []),
    ...(pins > 0 ? [`${pins} pinned maps`, `${sessionsEnded} sessions ended`] : []),
  ];
  return `removed from instance ${instance}: ${removed.join(', ')}`;
}

async function whole<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isForPeople(error)) throw new CommandError(error.message, { cause: error });
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM')
      throw new CommandError(`${path ?? 'the kernel'}: permission denied; run as root`);
    throw error;
  }
}

function readInterfaces(text: string): readonly string[] {
  const names = text.split(',');
  if (names.some((name) => !/^[^\s/:]{1,15}$/.test(name)))
    throw new UsageError(`bad --interface \`${text}\`; interface names, comma-separated`);
  return names;
}
