/** Somebody else's source NAT: it would hide a balancer's local, whose TOA is then nobody's. */
import {
  cidrRange,
  parseAddressRange,
  parseCidr,
  rangesOverlap,
  type AddressRange,
} from '../../../packet/address-range.ts';
import { anyRange, asAddressRange } from '../../../packet/ip.ts';
import { notSeen, ok, warn } from '../finding.ts';
import type { DoctorCheck, Patient } from '../surroundings.ts';

export type NatRule = { readonly place: string; readonly text: string };

const LEGACY = '/proc/net/ip_tables_names';
const SOURCE_NAT = /\b(masquerade|snat)\b|xt target "?(MASQUERADE|SNAT)/;

export const masquerade: DoctorCheck = {
  name: 'masquerading',
  look: async ({ run, read }, patient) => {
    const legacy = read(LEGACY);
    const old =
      legacy.seen && /^nat$/m.test(legacy.value)
        ? [
            warn(
              'a nat table of the older iptables is loaded; what it does is not looked at',
              'iptables-legacy -t nat -S',
            ),
          ]
        : [];
    const ruleset = await run(['nft', 'list', 'ruleset']);
    if (!ruleset.seen) return [notSeen(ruleset), ...old];
    const rules = natRules(ruleset.value).filter(({ text }) => mayConcern(text, localsOf(patient)));
    if (rules.length === 0)
      return [ok('no source NAT of somebody else that meets our packets'), ...old];
    return [
      ...rules.map(({ place, text }) =>
        warn(
          `${place}: \`${text}\`: what this machine forwards for a balancer would lose its local`,
          `nft insert rule ${place} ip saddr LOCALS accept`,
        ),
      ),
      ...old,
    ];
  },
};

/** Rules of `nft list ruleset` that change source addresses, with family, table and chain. */
export function natRules(ruleset: string): NatRule[] {
  let [table, chain] = ['', ''];
  return ruleset.split('\n').flatMap((line) => {
    table = /^table (\S+ \S+)/.exec(line)?.[1] ?? table;
    chain = /^\s+chain (\S+)/.exec(line)?.[1] ?? chain;
    return SOURCE_NAT.test(line) ? [{ place: `${table} ${chain}`, text: line.trim() }] : [];
  });
}

/** False when the rule names sources, and none of ours is among them. */
export function mayConcern(rule: string, ours: readonly AddressRange[]): boolean {
  const source = /\bip saddr ([\d./-]+)/.exec(rule)?.[1];
  if (source === undefined || ours.length === 0) return true;
  const read = source.includes('/') ? parseCidr(source) : parseAddressRange(source);
  if (!read.ok) return true;
  const range = 'network' in read.value ? cidrRange(read.value) : read.value;
  return ours.some((one) => rangesOverlap(one, range));
}

function localsOf({ balancer, agent }: Patient): AddressRange[] {
  return [
    ...(balancer?.locals ?? []).map(({ addresses }) => addresses),
    ...(agent?.trustedLocals ?? []).flatMap((range) => asAddressRange(anyRange(range)) ?? []),
  ];
}
