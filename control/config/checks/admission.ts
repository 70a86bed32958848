/** Access lists and limits that name nothing, contradict themselves, or limit nothing. */
import { formatCidr, rangeCidrs } from '../../../packet/address-range.ts';
import type { AccessListConfig } from '../admission.ts';
import type { BalancerConfig } from '../balancer.ts';
import { parsePrefixFile } from '../prefix-file.ts';
import type { Path, Problem } from '../problem.ts';
import { nearest } from '../suggest.ts';
import { repeats, type Check } from './check.ts';

/** Of one file; the rest is most likely wrong in the same way. */
const BAD_LINES_SHOWN = 3;

export const unknownAccessList: Check<BalancerConfig> = (
  { listeners, accessLists },
  { isWhole },
) => {
  if (!isWhole(['accessLists'])) return [];
  const names = accessLists.map(({ name }) => name);
  return listeners.flatMap(({ access }, i): Problem[] => {
    if (access === undefined || names.includes(access)) return [];
    const close = nearest(access, names);
    const known = names.length === 0 ? 'there are none' : `lists are: ${names.join(', ')}`;
    const hint = close === undefined ? known : `did you mean '${close}'?`;
    return [
      { path: ['listeners', i, 'access'], message: `unknown access list '${access}'; ${hint}` },
    ];
  });
};

export const duplicateAccessList: Check<BalancerConfig> = ({ accessLists }, facts) =>
  repeats(accessLists, ({ name }) => name).map(({ index, first, element }) => ({
    path: ['accessLists', index, 'name'],
    message: `duplicate access list '${element.name}'; line ${facts.lineOf(['accessLists', first, 'name'])} has it already`,
  }));

export const accessListInOrder: Check<BalancerConfig> = ({ accessLists }, { isWhole }) =>
  accessLists.flatMap((list, i): Problem[] => {
    const path = ['accessLists', i];
    if (!isWhole([...path, 'allow']) || !isWhole([...path, 'deny'])) return [];
    return [...emptyList(list, path), ...contradictions(list, path)];
  });

/** What cannot be read is told; so is what it says that is no address. */
export const prefixFiles: Check<BalancerConfig> = ({ accessLists }, { machine }) =>
  machine === undefined
    ? []
    : accessLists.flatMap((list, i) =>
        (['allowFile', 'denyFile'] as const).flatMap((key): Problem[] => {
          const file = list[key];
          if (file === undefined) return [];
          const path = ['accessLists', i, key];
          const read = machine.readText(file);
          if (!read.ok) return [{ path, message: `${file} cannot be read: ${read.message}` }];
          const { bad } = parsePrefixFile(read.text);
          const shown = bad.slice(0, BAD_LINES_SHOWN);
          const more =
            bad.length > shown.length ? ` (and ${bad.length - shown.length} more lines)` : '';
          return shown.map(({ line, message }, k) => ({
            path,
            message: `${file}:${line}: ${message}${k === shown.length - 1 ? more : ''}`,
          }));
        }),
      );

/** Two pools may share a backend; its sessions are counted once. */
export const backendLimitsAgree: Check<BalancerConfig> = ({ pools }, { lineOf }) => {
  const all = pools.flatMap(({ backends }, pool) =>
    backends.map(({ address, maxSessions }, index) => ({
      key: `${address.address}:${address.port}`,
      maxSessions,
      path: ['pools', pool, 'backends', index],
    })),
  );
  return repeats(all, ({ key }) => key).flatMap(({ first, element }): Problem[] => {
    const other = all[first];
    if (other === undefined || other.maxSessions === element.maxSessions) return [];
    return [
      {
        path: element.path,
        message:
          `maxSessions is ${element.maxSessions} here and ${other.maxSessions} in line ${lineOf(other.path)} ` +
          `for the same backend; its sessions are counted once, so say the same`,
      },
    ];
  });
};

/** perClient without a limit would cost and do nothing; a burst belongs to a rate. */
export const perClientLimits: Check<BalancerConfig> = ({ listeners }, { isGiven, isWhole }) =>
  listeners.flatMap(({ perClient }, i): Problem[] => {
    const path = ['listeners', i, 'perClient'];
    if (perClient === undefined || !isWhole([...path, 'connectionsPerSecond'])) return [];
    const { rate, maxSessions, maxOpening } = perClient;
    if (rate === undefined && isGiven([...path, 'burst']))
      return [
        {
          path: [...path, 'burst'],
          message: 'perClient.burst needs perClient.connectionsPerSecond',
        },
      ];
    if (rate !== undefined || maxSessions > 0 || maxOpening > 0) return [];
    return [
      {
        path,
        message: 'perClient limits nothing; give connectionsPerSecond, maxSessions or maxOpening',
      },
    ];
  });

function emptyList({ name, allow, deny, allowFile, denyFile }: AccessListConfig, path: Path) {
  if (allow.length + deny.length > 0 || allowFile !== undefined || denyFile !== undefined)
    return [];
  return [
    { path, message: `access list '${name}' is empty; add allow, deny, allowFile or denyFile` },
  ];
}

function contradictions({ name, allow, deny }: AccessListConfig, path: Path): Problem[] {
  const allowed = new Set(allow.flatMap(rangeCidrs).map(formatCidr));
  const both = [...new Set(deny.flatMap(rangeCidrs).map(formatCidr))].filter((one) =>
    allowed.has(one),
  );
  return both.map((prefix) => ({
    path: [...path, 'deny'],
    message: `access list '${name}' allows and denies ${prefix}; leave one of them out`,
  }));
}
