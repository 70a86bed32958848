/** nginx.conf: the upstreams and servers of its stream block. */
import {
  emptyDraft,
  endpointOr,
  given,
  nameOf,
  numberIn,
  type BackendDraft,
  type Draft,
} from './draft.ts';

interface Directive {
  readonly line: number;
  readonly words: readonly string[];
  readonly block?: readonly Directive[];
}

/** In a file that is included from within stream, its directives stand outermost. */
const OF_STREAM = new Set(['upstream', 'server']);
/** Settings of nginx's processes: nothing of the kind is needed. */
const OF_PROCESSES = new Set(['user', 'pid', 'events', 'daemon', 'load_module', 'error_log']);
const LISTEN_SAME = /^(reuseport|so_keepalive=.*|backlog=.*|bind|rcvbuf=.*|sndbuf=.*|deferred)$/;
const NOTHING_LOST = new Set([
  'listen',
  'proxy_pass',
  'access_log',
  'error_log',
  'tcp_nodelay',
  'proxy_buffer_size',
]);

export function importNginxStream(text: string): Draft {
  const draft = emptyDraft();
  const outermost = directivesOf(tokensOf(text));
  for (const directive of outermost) {
    const [name = ''] = directive.words;
    if (name === 'stream') stream(draft, directive.block ?? []);
    else if (!OF_STREAM.has(name) && !OF_PROCESSES.has(name) && !name.startsWith('worker_'))
      draft.notes.push({
        line: directive.line,
        text: left(directive, name === 'http' ? 'it is layer 7' : undefined),
      });
  }
  stream(
    draft,
    outermost.filter(({ words }) => OF_STREAM.has(words[0] ?? '')),
  );
  return draft;
}

function stream(draft: Draft, directives: readonly Directive[]): void {
  const pools = new Set<string>();
  for (const directive of directives) {
    const [name = '', what = ''] = directive.words;
    if (name === 'upstream') {
      draft.pools.push({ name: nameOf(what), backends: backendsOf(draft, directive.block ?? []) });
      pools.add(what);
    } else if (name !== 'server' && !NOTHING_LOST.has(name))
      draft.notes.push({ line: directive.line, text: left(directive) });
  }
  for (const directive of directives)
    if (directive.words[0] === 'server') server(draft, directive, pools);
}

function backendsOf(draft: Draft, block: readonly Directive[]): BackendDraft[] {
  return block.flatMap((directive) => {
    const { line, words } = directive;
    const [name = '', what = '', ...parameters] = words;
    const note = (text: string) => void draft.notes.push({ line, text });
    if (name !== 'server') {
      if (name !== 'zone')
        note(
          /^(hash|least_conn|random)$/.test(name)
            ? `${words.join(' ')}: becomes weighted round robin`
            : left(directive),
        );
      return [];
    }
    const address = endpointOr(draft, line, 'server', what);
    if (address === undefined) return [];
    if (parameters.includes('backup')) {
      note(`backup server ${address} is left out`);
      return [];
    }
    const value = (key: string) =>
      parameters.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
    for (const parameter of parameters)
      if (!/^(weight|max_conns)=\d+$|^down$/.test(parameter))
        note(
          `${parameter} is not carried over${/^(max_fails|fail_timeout)/.test(parameter) ? ': backends are checked all the time, see `health`' : ''}`,
        );
    return [
      {
        address,
        ...given({
          weight: parameters.includes('down') ? 0 : numberIn(value('weight')),
          maxSessions: numberIn(value('max_conns')) || undefined,
        }),
      },
    ];
  });
}

function server(draft: Draft, { line, block = [] }: Directive, pools: ReadonlySet<string>): void {
  const passes = block.find(({ words }) => words[0] === 'proxy_pass');
  const target = passes?.words[1] ?? '';
  if (passes === undefined || target.includes('$'))
    return void draft.notes.push({
      line,
      text: `server is left out: ${passes === undefined ? 'it has no proxy_pass' : `proxy_pass ${target} is chosen for each connection`}`,
    });
  const listens = block
    .filter(({ words }) => words[0] === 'listen')
    .flatMap((directive) => listen(draft, directive));
  for (const directive of block)
    if (!NOTHING_LOST.has(directive.words[0] ?? ''))
      draft.notes.push({ line: directive.line, text: left(directive) });
  if (listens.length === 0) return;
  if (!pools.has(target)) {
    const address = endpointOr(draft, passes.line, 'proxy_pass', target);
    if (address === undefined) return;
    if (!draft.pools.some(({ name }) => name === nameOf(target)))
      draft.pools.push({ name: nameOf(target), backends: [{ address }] });
  }
  for (const address of listens) draft.listeners.push({ line, address, pool: nameOf(target) });
}

function listen(draft: Draft, { line, words: [, what = '', ...parameters] }: Directive): string[] {
  const note = (text: string) => void draft.notes.push({ line, text });
  if (parameters.includes('udp')) {
    note(`listen ${what} udp is left out: listeners are TCP`);
    return [];
  }
  if (parameters.includes('ssl')) {
    note(`listen ${what} ssl is left out: it ends TLS, which is layer 7; backends can do that`);
    return [];
  }
  if (/^(\d+|\*:\d+|0\.0\.0\.0:\d+|\[::\]:\d+)$/.test(what)) {
    note(`listen ${what} is left out: it is every address; a listener names one`);
    return [];
  }
  for (const parameter of parameters)
    if (!LISTEN_SAME.test(parameter)) note(`listen … ${parameter} is not carried over`);
  const address = endpointOr(draft, line, 'listen', what);
  return address === undefined ? [] : [address];
}

function left({ words, block }: Directive, why?: string): string {
  return `${words.join(' ')}${block === undefined ? '' : ' { … }'} is not carried over${why === undefined ? '' : `: ${why}`}`;
}

type Token = { readonly line: number; readonly text: string; readonly isSign: boolean };

/** Words, quoted ones whole; `;`, `{` and `}` are signs of their own; comments are from # on. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  const pattern =
    /(\n)|#[^\n]*|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([;{}])|((?:[^\s;{}"'#$]|\$\{[^}]*\}|\$|(?<=[^\s;{}])#)+)/gs;
  for (const [all, newline, double, single, sign, word] of text.matchAll(pattern)) {
    if (newline !== undefined) {
      line += 1;
      continue;
    }
    const quoted = double ?? single;
    const value = sign ?? word ?? quoted;
    if (value !== undefined) tokens.push({ line, text: value, isSign: sign !== undefined });
    line += all.split('\n').length - 1;
  }
  return tokens;
}

function directivesOf(tokens: readonly Token[]): Directive[] {
  const root: Directive[] = [];
  const open: Directive[][] = [root];
  let words: Token[] = [];
  const end = (block?: Directive[]) => {
    const [first] = words;
    if (first !== undefined)
      open.at(-1)?.push({
        line: first.line,
        words: words.map(({ text }) => text),
        ...(block === undefined ? {} : { block }),
      });
    words = [];
  };
  for (const token of tokens)
    if (!token.isSign) words.push(token);
    else if (token.text === '{') {
      const block: Directive[] = [];
      end(block);
      open.push(block);
    } else {
      end();
      if (token.text === '}' && open.length > 1) open.pop();
    }
  end();
  return root;
}
