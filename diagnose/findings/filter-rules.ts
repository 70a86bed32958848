/** What the findings about firewalls share: rules that dropped while SYNs were lost. */
import type { FilterRule } from '../collect/filters.ts';
import { both, nobodyNamed } from './amounts.ts';
import { failuresOf, inside, type Evidence, type PlaceEvidence, type Role } from './evidence.ts';
import { notChecked, proved, ruledOut, suspected, type Decision } from './hypothesis.ts';

export interface MovedRule {
  readonly place: PlaceEvidence;
  readonly rule: FilterRule;
  readonly packets: bigint;
}

/** Hooks in which a machine filters what it receives for itself, passes on, or sends. */
export const RECEIVING = ['ingress', 'prerouting', 'input'];
export const PASSING = ['ingress', 'prerouting', 'forward', 'postrouting', 'egress'];
export const SENDING = ['output', 'postrouting', 'egress'];

const SHARE_LEAST = 0.5;
/** More than that it ends there, less than a counter. */
const UNCOUNTED = 0.88;

export function decideByRules(
  evidence: Evidence,
  { roles, isMeant }: { roles: readonly Role[]; isMeant: (rule: FilterRule) => boolean },
): Decision {
  const places = evidence.places.filter(({ role }) => roles.includes(role));
  if (places.length === 0) return notChecked(nobodyNamed(roles));
  const unreadable = places.find(({ after }) => !after.filters.ok);
  const moved = places.flatMap((place) => movedRules(place).filter(({ rule }) => isMeant(rule)));
  const [most] = moved.toSorted((a, b) => Number(b.packets - a.packets));
  if (most === undefined) return nothingMoved(evidence, places, isMeant, unreadable);
  const said = `\`${most.rule.text}\` at ${most.place.name}: +${most.packets} packets`;
  if (failuresOf(evidence) === 0) return ruledOut(`${said}, and yet no connection failed`);
  // What rejects answers at once: then connections are refused, and no SYN is lost.
  const failed = Math.max(evidence.lostSyns, failuresOf(evidence));
  const share = Number(most.packets) / failed;
  return share >= SHARE_LEAST
    ? proved(inside(most.place), `${said}, ${failed} SYNs lost`, Math.min(0.98, share))
    : suspected(inside(most.place), `${said}, ${failed} SYNs lost: it explains only some`);
}

/** Of a chain of the user's own the hook is not known: it may be any. */
export function isIn({ hook }: FilterRule, hooks: readonly string[]): boolean {
  return hook === undefined || hooks.includes(hook);
}

export function isStateful({ text }: FilterRule): boolean {
  return /\bct state|--ctstate|--state\b/.test(text);
}

export function isLimit({ text }: FilterRule): boolean {
  return /\b(?:limit|hashlimit|connlimit|ct count|meter)\b/.test(text);
}

export function isAboutOptions({ text }: FilterRule): boolean {
  return /\b(?:tcp option|tcp doff|--tcp-option)\b/.test(text);
}

/** Rules that drop or reject, and whose counter grew. */
export function movedRules(place: PlaceEvidence): readonly MovedRule[] {
  const changes = both(place.before.filters, place.after.filters, (before, after) => {
    const earlier = new Map(before.map(({ id, packets }) => [id, packets]));
    return after.flatMap((rule): MovedRule[] => {
      if (rule.action === 'other' || rule.packets === undefined) return [];
      const packets = rule.packets - (earlier.get(rule.id) ?? 0n);
      return packets > 0n ? [{ place, rule, packets }] : [];
    });
  });
  return changes.ok ? changes.value : [];
}

function nothingMoved(
  { capture }: Evidence,
  places: readonly PlaceEvidence[],
  isMeant: (rule: FilterRule) => boolean,
  unreadable: PlaceEvidence | undefined,
): Decision {
  if (unreadable !== undefined && !unreadable.after.filters.ok)
    return notChecked(`${unreadable.name}: ${unreadable.after.filters.why}`);
  const meant = places.flatMap((place) =>
    place.after.filters.ok
      ? place.after.filters.value
          .filter((rule) => rule.action !== 'other' && isMeant(rule))
          .map((rule) => ({ place, rule }))
      : [],
  );
  const silent = meant.filter(({ rule }) => rule.packets === undefined);
  const located = capture?.location?.hop;
  const there = silent.find(
    ({ place }) => located?.kind === 'inside' && located.place === place.name,
  );
  if (there !== undefined && located !== undefined) {
    const { place, rule } = there;
    const said = `the captures end inside ${place.name}, and \`${rule.text}\` there has no counter`;
    return proved(located, said, UNCOUNTED);
  }
  const counted = `0 of ${meant.length} rules that drop moved`;
  return silent.length === 0
    ? ruledOut(`${counted} at ${places.map(({ name }) => name).join(', ')}`)
    : notChecked(
        `${silent.length} rules have no counter, the first: \`${silent[0]?.rule.text ?? ''}\``,
      );
}
