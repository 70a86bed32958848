/** Rules of nftables and iptables with their counters: who may have dropped what. */
import { collected, missing, readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export interface FilterRule {
  /** Stays the same while the rule exists. */
  readonly id: string;
  /** `ip filter input: tcp dport 8056 drop`: for people. */
  readonly text: string;
  /** `input`, `forward`, `output`, `prerouting`, `postrouting`, `ingress`; undefined in a chain of the user's own. */
  readonly hook: string | undefined;
  readonly family: string;
  /** Undefined: the rule has no counter, so nobody knows. */
  readonly packets: bigint | undefined;
  readonly action: 'drop' | 'reject' | 'other';
}

export async function collectFilters(runner: Runner): Promise<Collected<readonly FilterRule[]>> {
  const [nft, iptables] = await Promise.all([
    readFrom(runner, ['nft', '-a', 'list', 'ruleset'], parseNft),
    readFrom(runner, ['iptables-legacy-save', '-c'], parseIptables),
  ]);
  if (!nft.ok && !iptables.ok) return missing(nft.why);
  return collected([...(nft.ok ? nft.value : []), ...(iptables.ok ? iptables.value : [])]);
}

/** Of `nft -a list ruleset`: tables, chains with their hooks, rules with `# handle N` at the end. */
export function parseNft(text: string): FilterRule[] {
  const rules: FilterRule[] = [];
  let [family, table, chain] = ['', '', ''];
  let hook: string | undefined;
  for (const line of text.split('\n').map((each) => each.trim())) {
    const [, tableFamily, tableName] = /^table (\w+) (\S+) \{/.exec(line) ?? [];
    if (tableFamily !== undefined) [family, table, chain] = [tableFamily, tableName ?? '', ''];
    const [, block, chainName] = /^(chain|set|map|flowtable|ct \w+) (\S+) \{/.exec(line) ?? [];
    if (block !== undefined)
      [chain, hook] = [block === 'chain' ? (chainName ?? '') : '', undefined];
    const [, found, policy] =
      /^type \w+ hook (\w+) .*?priority [^;]+;(?: policy (\w+);)?/.exec(line) ?? [];
    if (found !== undefined) {
      hook = found;
      if (policy === 'drop') rules.push(policyRule(family, table, chain, hook));
      continue;
    }
    const [, body, handle] = /^(.*) # handle (\d+)$/.exec(line) ?? [];
    if (body === undefined || body.endsWith('{') || chain === '') continue;
    const [counter, packets] = /counter packets (\d+) bytes \d+ ?/.exec(body) ?? [];
    const shown = counter === undefined ? body : body.replace(counter, '');
    rules.push({
      id: `${family} ${table} ${chain} ${handle}`,
      text: `${family} ${table} ${chain}: ${shown.trim()}`,
      hook,
      family,
      packets: packets === undefined ? undefined : BigInt(packets),
      action: actionOf(shown),
    });
  }
  return rules;
}

function policyRule(family: string, table: string, chain: string, hook: string): FilterRule {
  const text = `${family} ${table} ${chain}: policy drop`;
  return { id: text, text, hook, family, packets: undefined, action: 'drop' };
}

/** Of `iptables-save -c`: `*filter`, then `[12:720] -A INPUT -p tcp --dport 8056 -j DROP`. */
export function parseIptables(text: string): FilterRule[] {
  const rules: FilterRule[] = [];
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const [, policyChain, policyPackets] = /^:(\S+) DROP \[(\d+):/.exec(line) ?? [];
    if (policyChain !== undefined && policyPackets !== undefined)
      rules.push({
        ...policyRule('iptables', table, policyChain, policyChain.toLowerCase()),
        packets: BigInt(policyPackets),
      });
    const [, packets, chain, body] = /^\[(\d+):\d+\] -A (\S+) (.*)$/.exec(line) ?? [];
    if (packets === undefined || chain === undefined || body === undefined) continue;
    rules.push({
      id: `iptables ${table} ${chain} ${body}`,
      text: `iptables ${table} ${chain}: ${body}`,
      hook: BUILT_IN.includes(chain) ? chain.toLowerCase() : undefined,
      family: 'ip',
      packets: BigInt(packets),
      action: /-j DROP\b/.test(body) ? 'drop' : /-j REJECT\b/.test(body) ? 'reject' : 'other',
    });
  }
  return rules;
}

const BUILT_IN = ['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING', 'POSTROUTING'];

function actionOf(body: string): FilterRule['action'] {
  if (/\bdrop\b/.test(body)) return 'drop';
  return /\breject\b/.test(body) ? 'reject' : 'other';
}
