/** keepalived.conf: its virtual_server blocks, with the checks of their servers. */
import {
  emptyDraft,
  endpointOr,
  given,
  numberIn,
  type BackendDraft,
  type Draft,
  type HealthDraft,
} from './draft.ts';

interface Statement {
  readonly line: number;
  readonly words: readonly string[];
  readonly inner: readonly Statement[];
}

const DELAY_LOOP_SECONDS = 60;
const CONNECT_TIMEOUT_SECONDS = 5;
/** What is the same as, or nothing to, a balancer of ours. */
const NOTHING_LOST = new Set([
  'lb_kind',
  'lvs_method',
  'delay_loop',
  'protocol',
  'alpha',
  'real_server',
]);
const CHECKS = new Set([
  'TCP_CHECK',
  'HTTP_GET',
  'SSL_GET',
  'SMTP_CHECK',
  'DNS_CHECK',
  'MISC_CHECK',
  'UDP_CHECK',
  'PING_CHECK',
  'FILE_CHECK',
  'BFD_CHECK',
]);

export function importKeepalived(text: string): Draft {
  const draft = emptyDraft();
  for (const { line, words, inner } of statementsOf(text)) {
    const [keyword = '', first = '', second = ''] = words;
    if (keyword === 'virtual_server') virtualServer(draft, { line, words, inner }, first, second);
    else if (keyword === 'vrrp_instance')
      draft.notes.push({
        line,
        text: `vrrp_instance ${first} is not carried over: who has the address is not decided here; keepalived may go on doing that`,
      });
    else if (keyword !== 'global_defs')
      draft.notes.push({ line, text: `${words.join(' ')} is not carried over` });
  }
  return draft;
}

function virtualServer(
  draft: Draft,
  { line, inner }: Statement,
  first: string,
  port: string,
): void {
  const note = (at: number, text: string) => void draft.notes.push({ line: at, text });
  const value = (keyword: string) => inner.find(({ words }) => words[0] === keyword)?.words[1];
  if (first === 'group' || first === 'fwmark')
    return note(line, `virtual_server ${first} ${port} is left out: name each address and port`);
  const protocol = value('protocol') ?? 'TCP';
  if (protocol.toUpperCase() !== 'TCP')
    return note(
      line,
      `virtual_server ${first} ${port} is left out: it is of ${protocol}, and listeners are TCP`,
    );
  const address = endpointOr(draft, line, 'virtual_server', `${first}:${port}`);
  if (address === undefined) return;

  const servers = inner.filter(({ words }) => words[0] === 'real_server');
  const backends = servers.flatMap((server) => realServer(draft, server));
  draft.listeners.push({ line, address, pool: address });
  draft.pools.push({
    name: address,
    backends,
    health: healthOf(draft, servers, value('delay_loop')),
  });
  for (const { line: at, words } of inner) {
    const [keyword = '', what = ''] = words;
    if (keyword === 'lb_algo' || keyword === 'lvs_sched') {
      if (what !== 'rr' && what !== 'wrr')
        note(at, `${keyword} ${what}: becomes weighted round robin`);
    } else if (keyword === 'lb_kind' || keyword === 'lvs_method') {
      if (what !== 'NAT')
        note(
          at,
          `${keyword} ${what} becomes full NAT: answers come back through the balancer; the servers need no address of the listener`,
        );
    } else if (!NOTHING_LOST.has(keyword)) note(at, `${words.join(' ')} is not carried over`);
  }
}

function realServer(draft: Draft, { line, words, inner }: Statement): BackendDraft[] {
  const address = endpointOr(draft, line, 'real_server', `${words[1] ?? ''}:${words[2] ?? '0'}`);
  if (address === undefined) return [];
  const value = (keyword: string) => inner.find(({ words: [word] }) => word === keyword)?.words[1];
  for (const {
    line: at,
    words: [keyword = '', ...rest],
  } of inner)
    if (!['weight', 'uthreshold'].includes(keyword) && !CHECKS.has(keyword))
      draft.notes.push({ line: at, text: `${[keyword, ...rest].join(' ')} is not carried over` });
  return [
    {
      address,
      ...given({
        weight: numberIn(value('weight')),
        maxSessions: numberIn(value('uthreshold')) || undefined,
      }),
    },
  ];
}

/** One for the pool: that of its first server that has one; others that differ are told. */
function healthOf(draft: Draft, servers: readonly Statement[], delayLoop = ''): HealthDraft {
  const checks = servers.flatMap(({ inner }) =>
    inner.filter(({ words: [word = ''] }) => CHECKS.has(word)),
  );
  const [first] = checks;
  if (first === undefined) return 'off';
  const all = checks.map((check) => ({ check, health: oneCheck(check, delayLoop) }));
  const wanted = JSON.stringify(all[0]?.health);
  for (const { check, health } of all) {
    const [kind = ''] = check.words;
    if (kind !== 'TCP_CHECK')
      draft.notes.push({ line: check.line, text: `${kind} becomes a TCP check` });
    if (JSON.stringify(health) !== wanted)
      draft.notes.push({
        line: check.line,
        text: `other times than those of line ${first.line} are not carried over: a pool has one check`,
      });
    const port = check.inner.find(({ words }) => words[0] === 'connect_port');
    if (port !== undefined)
      draft.notes.push({
        line: port.line,
        text: `${port.words.join(' ')} is not carried over: the backend's own port is checked`,
      });
  }
  return oneCheck(first, delayLoop);
}

function oneCheck({ inner }: Statement, delayLoop: string): HealthDraft {
  const value = (keyword: string) => inner.find(({ words }) => words[0] === keyword)?.words[1];
  const seconds = (text: string | undefined, usual: number) =>
    Math.round(Number(text || usual) * 1000) || usual * 1000;
  const retries = numberIn(value('retry') ?? value('nb_get_retry')) ?? 1;
  return {
    intervalMs: seconds(value('delay_loop') ?? delayLoop, DELAY_LOOP_SECONDS),
    timeoutMs: seconds(value('connect_timeout'), CONNECT_TIMEOUT_SECONDS),
    rise: 1,
    fall: retries + 1,
  };
}

/** A line each, or what is between braces; a brace begins a block. Comments are from # or ! on. */
function statementsOf(text: string): Statement[] {
  const root: Statement[] = [];
  const open: Statement[][] = [root];
  text.split('\n').forEach((written, i) => {
    // Braces may stand close to words.
    const words = written
      .replace(/(^|\s)[#!].*/, '')
      .replaceAll(/[{}]/g, ' $& ')
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => word.replaceAll('"', ''));
    let statement: string[] = [];
    const end = (inner: Statement[]) => {
      if (statement.length > 0) open.at(-1)?.push({ line: i + 1, words: statement, inner });
      statement = [];
    };
    for (const word of words)
      if (word === '{') {
        // It may also stand alone, on the line below.
        const inner: Statement[] = [];
        const above = statement.length === 0 ? open.at(-1)?.pop() : undefined;
        if (above === undefined) end(inner);
        else open.at(-1)?.push({ ...above, inner });
        open.push(inner);
      } else if (word === '}') {
        end([]);
        if (open.length > 1) open.pop();
      } else statement.push(word);
    end([]);
  });
  return root;
}
