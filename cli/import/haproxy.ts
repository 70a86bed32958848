/** haproxy.cfg: frontends, backends and listen sections in tcp mode. */
import {
  emptyDraft,
  endpointOr,
  given,
  nameOf,
  numberIn,
  type BackendDraft,
  type Draft,
  type HealthDraft,
} from './draft.ts';

interface Line {
  readonly line: number;
  readonly words: readonly string[];
}

interface Section extends Line {
  readonly lines: readonly Line[];
}

const SECTIONS =
  /^(global|defaults|frontend|backend|listen|peers|resolvers|userlist|mailers|cache|program|ring|http-errors|fcgi-app|crt-store|log-forward|traces|acme)$/;
/** How HAProxy works and what it logs: nothing that connections would miss. */
const NOTHING_LOST = new Set([
  'mode',
  'bind',
  'server',
  'default-server',
  'balance',
  'default_backend',
  'maxconn',
  'log',
  'retries',
  'backlog',
  'description',
]);
const OPTIONS_SAME = new Set([
  'tcplog',
  'dontlognull',
  'tcp-check',
  'redispatch',
  'clitcpka',
  'srvtcpka',
  'tcpka',
  'splice-auto',
  'logasap',
  'dontlog-normal',
]);
const SERVER_FLAGS = /^(check|disabled|enabled)$/;
const SERVER_VALUES = new Set([
  'weight',
  'maxconn',
  'inter',
  'fastinter',
  'downinter',
  'rise',
  'fall',
  'port',
  'addr',
  'source',
  'cookie',
  'slowstart',
  'track',
  'id',
  'ca-file',
  'verify',
  'sni',
  'minconn',
  'maxqueue',
  'on-marked-down',
  'on-error',
  'resolvers',
  'init-addr',
  'observe',
  'error-limit',
  'crt',
  'alpn',
]);
const INTERVAL_MS = 2_000;

export function importHaproxy(text: string): Draft {
  const draft = emptyDraft();
  let defaults: readonly Line[] = [];
  const served = new Set<string>();
  for (const section of sectionsOf(text)) {
    const [kind = '', name = ''] = section.words;
    if (kind === 'global') continue;
    if (kind === 'defaults') {
      defaults = section.lines;
      rest(draft, defaults);
      continue;
    }
    if (!['frontend', 'backend', 'listen'].includes(kind)) {
      draft.notes.push({
        line: section.line,
        text: `${section.words.join(' ')} is not carried over`,
      });
      continue;
    }
    const mode = lastOf(section.lines, 'mode') ?? lastOf(defaults, 'mode') ?? 'tcp';
    if (mode !== 'tcp') {
      draft.notes.push({
        line: section.line,
        text: `${kind} ${name} is left out: its mode is ${mode}, not tcp`,
      });
      continue;
    }
    if (kind !== 'backend') frontend(draft, section, served);
    if (kind !== 'frontend') backend(draft, section, defaults);
    rest(draft, section.lines);
  }
  // A frontend may name a backend that is of another mode, or nowhere.
  const known = new Set(draft.pools.map((pool) => pool.name));
  const [listeners, lost] = [
    draft.listeners.filter(({ pool }) => known.has(pool)),
    draft.listeners.filter(({ pool }) => !known.has(pool)),
  ];
  for (const { line, address, pool } of lost)
    draft.notes.push({
      line,
      text: `listener ${address} is left out: there is no backend ${pool} in tcp mode`,
    });
  return { ...draft, listeners };
}

function frontend(
  draft: Draft,
  { line, words: [kind = '', name = ''], lines }: Section,
  served: Set<string>,
): void {
  const chosen = kind === 'listen' ? name : lastOf(lines, 'default_backend');
  if (chosen === undefined)
    return void draft.notes.push({
      line,
      text: `frontend ${name} is left out: it has no default_backend`,
    });
  const addresses = lines
    .filter(({ words }) => words[0] === 'bind')
    .flatMap((bind) => bindAddresses(draft, bind));
  const maxSessions = numberIn(lastOf(lines, 'maxconn'));
  for (const address of addresses) {
    const own = addresses.length === 1 && !served.has(name) ? nameOf(name) : undefined;
    served.add(name);
    draft.listeners.push({
      line,
      address,
      pool: nameOf(chosen),
      ...given({ name: own, maxSessions }),
    });
  }
}

function bindAddresses(
  draft: Draft,
  { line, words: [, what = '', ...parameters] }: Line,
): string[] {
  const note = (text: string) => void draft.notes.push({ line, text });
  if (parameters.includes('ssl')) {
    note(`bind ${what} ssl is left out: it ends TLS, which is layer 7; backends can do that`);
    return [];
  }
  if (parameters.includes('accept-proxy')) note(`bind ${what}: accept-proxy is not carried over`);
  return what.split(',').flatMap((each) => {
    const text = each.replace(/^ipv4@/, '');
    if (/^(\*|0\.0\.0\.0|\[?::\]?)?:\d/.test(text)) {
      note(`bind ${each} is left out: it is every address; a listener names one`);
      return [];
    }
    const [, host = '', low = '', high = ''] = /^(.+):(\d+)-(\d+)$/.exec(text) ?? [];
    if (host !== '') {
      note(
        `bind ${each} is left out: a listener has one port; write one for each of ${low} to ${high}`,
      );
      return [];
    }
    const address = endpointOr(draft, line, 'bind', text);
    return address === undefined ? [] : [address];
  });
}

function backend(draft: Draft, section: Section, defaults: readonly Line[]): void {
  const {
    lines,
    words: [, name = ''],
  } = section;
  const usual = [...defaults, ...lines]
    .filter(({ words }) => words[0] === 'default-server')
    .flatMap(({ words }) => words.slice(1));
  const servers = lines
    .filter(({ words }) => words[0] === 'server')
    .map((each) => serverOf(draft, each, usual));
  const checked = servers.find(({ health }) => health !== 'off');
  const balance = [...defaults, ...lines].findLast(({ words }) => words[0] === 'balance');
  const algorithm = balance?.words[1] ?? 'roundrobin';
  if (algorithm !== 'roundrobin' && algorithm !== 'static-rr')
    draft.notes.push({
      line: balance?.line ?? section.line,
      text: `balance ${algorithm}: becomes weighted round robin`,
    });
  const backends = servers.flatMap((server) => server.backend);
  for (const { line, health } of servers)
    if (JSON.stringify(health) !== JSON.stringify(checked?.health ?? 'off'))
      draft.notes.push({ line, text: `its own check is not carried over: a pool has one` });
  draft.pools.push({ name: nameOf(name), backends, health: checked?.health ?? 'off' });
}

function serverOf(
  draft: Draft,
  { line, words: [, name = '', what = '', ...own] }: Line,
  usual: readonly string[],
): { line: number; backend: BackendDraft[]; health: HealthDraft } {
  const note = (text: string) => void draft.notes.push({ line, text });
  const parameters = [...usual, ...own];
  const value = (key: string) => {
    const at = parameters.lastIndexOf(key);
    return at < 0 ? undefined : parameters[at + 1];
  };
  for (let i = 0; i < own.length; i += 1) {
    const key = own[i] ?? '';
    if (SERVER_VALUES.has(key)) {
      i += 1;
      if (!['weight', 'maxconn', 'inter', 'rise', 'fall'].includes(key))
        note(`server ${name}: ${key} ${own[i] ?? ''} is not carried over`);
      else if (key === 'maxconn')
        note(`server ${name}: what is above maxconn ${own[i] ?? ''} is refused, not queued`);
    } else if (key === 'send-proxy' || key === 'send-proxy-v2')
      note(
        `server ${name}: ${key} is not carried over: an agent at the server shows it the client`,
      );
    else if (key !== 'backup' && !SERVER_FLAGS.test(key))
      note(`server ${name}: ${key} is not carried over`);
  }
  const health: HealthDraft = parameters.includes('check')
    ? {
        intervalMs: durationMs(value('inter')) ?? INTERVAL_MS,
        rise: numberIn(value('rise')) ?? 2,
        fall: numberIn(value('fall')) ?? 3,
      }
    : 'off';
  const address = endpointOr(draft, line, `server ${name}`, what.replace(/^ipv4@/, ''));
  if (address === undefined) return { line, backend: [], health };
  if (parameters.includes('backup')) {
    note(`backup server ${name} is left out`);
    return { line, backend: [], health };
  }
  const fields = given({
    weight: own.includes('disabled') ? 0 : numberIn(value('weight')),
    maxSessions: numberIn(value('maxconn')) || undefined,
  });
  return { line, backend: [{ name: nameOf(name), address, ...fields }], health };
}

/** Of what is in no other function's care: a note each. */
function rest(draft: Draft, lines: readonly Line[]): void {
  for (const { line, words } of lines) {
    const [keyword = '', what = ''] = words;
    if (NOTHING_LOST.has(keyword) || (keyword === 'option' && OPTIONS_SAME.has(what))) continue;
    const why =
      keyword === 'timeout'
        ? ': see `timeouts` and `health`'
        : keyword === 'option' && what === 'httpchk'
          ? ': backends are checked by TCP'
          : '';
    draft.notes.push({ line, text: `${words.join(' ')} is not carried over${why}` });
  }
}

function lastOf(lines: readonly Line[], keyword: string): string | undefined {
  return lines.findLast(({ words }) => words[0] === keyword)?.words[1];
}

/** Milliseconds where there is no unit. */
function durationMs(text: string | undefined): number | undefined {
  const [, number = '', unit = 'ms'] = /^(\d+)(ms|s|m|h)?$/.exec(text ?? '') ?? [];
  const factor = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit] ?? 1;
  return number === '' ? undefined : Number(number) * factor;
}

function sectionsOf(text: string): Section[] {
  const sections: { line: number; words: string[]; lines: Line[] }[] = [];
  text.split('\n').forEach((written, i) => {
    const words = wordsOf(written);
    const [keyword] = words;
    if (keyword === undefined) return;
    if (SECTIONS.test(keyword)) sections.push({ line: i + 1, words, lines: [] });
    else sections.at(-1)?.lines.push({ line: i + 1, words });
  });
  return sections;
}

/** Quotes keep blanks, a backslash the sign behind it; comments are from # on. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [part] of line.matchAll(/(?:[^\s#"'\\]|\\.|"[^"]*"|'[^']*')+|#.*/g)) {
    if (part.startsWith('#')) break;
    words.push(part.replaceAll(/"([^"]*)"|'([^']*)'|\\(.)/g, '$1$2$3'));
  }
  return words;
}
