/** What `ipvsadm-save -n` prints: a line for each virtual service and for each of its real servers. */
import {
  emptyDraft,
  endpointOr,
  given,
  numberIn,
  type BackendDraft,
  type Draft,
  type PoolDraft,
} from './draft.ts';

/** Options that take a value, by their short names; ipvsadm-save writes these. */
const LONG: Readonly<Record<string, string>> = {
  '--add-service': '-A',
  '--add-server': '-a',
  '--tcp-service': '-t',
  '--udp-service': '-u',
  '--sctp-service': '--sctp-service',
  '--fwmark-service': '-f',
  '--scheduler': '-s',
  '--persistent': '-p',
  '--netmask': '-M',
  '--sched-flags': '-b',
  '--pe': '--pe',
  '--ops': '-o',
  '--real-server': '-r',
  '--weight': '-w',
  '--u-threshold': '-x',
  '--l-threshold': '-y',
  '--gatewaying': '-g',
  '--ipip': '-i',
  '--masquerading': '-m',
  '--ipv6': '-6',
};
const FLAGS = new Set(['-A', '-a', '-o', '-g', '-i', '-m', '-6']);
const OTHER_SERVICES: Readonly<Record<string, string>> = {
  '-u': 'UDP',
  '--sctp-service': 'SCTP',
  '-f': 'a firewall mark',
};

type Options = ReadonlyMap<string, string>;

export function importIpvsadm(text: string): Draft {
  const draft = emptyDraft();
  const backends = new Map<string, BackendDraft[]>();
  text.split('\n').forEach((written, i) => {
    const line = i + 1;
    const words = written
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0 || words[0]?.startsWith('#') === true) return;
    const options = read(words);
    const service = options.get('-t');
    if (options.has('-A')) {
      const address = addService(draft, line, options);
      if (address !== undefined && service !== undefined) backends.set(service, []);
    } else if (options.has('-a')) {
      const of = backends.get(service ?? '');
      // Of a service that is left out: one note about that is enough.
      const backend = of === undefined ? undefined : addServer(draft, line, options);
      if (backend !== undefined) of?.push(backend);
    } else draft.notes.push({ line, text: `not understood: ${written.trim()}` });
  });
  const pools = [...backends].map(([service, of]): PoolDraft => {
    // IPVS checks nothing by itself.
    return { name: service, backends: of, health: 'off' };
  });
  if (pools.some(({ backends: of }) => of.length > 0))
    draft.notes.push({
      line: 1,
      text: 'IPVS checks no servers, so health is off; what keepalived or ldirectord did: see `health`',
    });
  return { ...draft, pools };
}

function addService(draft: Draft, line: number, options: Options): string | undefined {
  const note = (text: string) => void draft.notes.push({ line, text });
  for (const [option, what] of Object.entries(OTHER_SERVICES))
    if (options.has(option)) {
      note(
        `service ${options.get(option) ?? ''} is left out: it is of ${what}, and listeners are TCP`,
      );
      return undefined;
    }
  const service = options.get('-t') ?? '';
  const address = endpointOr(draft, line, 'service', service);
  if (address === undefined) return undefined;
  draft.listeners.push({ line, address, pool: service });
  const scheduler = options.get('-s') ?? 'wlc';
  if (scheduler !== 'rr' && scheduler !== 'wrr')
    note(`scheduler ${scheduler}: becomes weighted round robin`);
  if (options.has('-p')) note(`persistence of ${options.get('-p') || '300'} s is not carried over`);
  if (options.has('-o')) note('one-packet scheduling is not carried over');
  if (options.has('--pe'))
    note(`persistence engine ${options.get('--pe') ?? ''} is not carried over`);
  return address;
}

function addServer(draft: Draft, line: number, options: Options): BackendDraft | undefined {
  const note = (text: string) => void draft.notes.push({ line, text });
  const address = endpointOr(draft, line, 'server', options.get('-r') ?? '');
  if (address === undefined) return undefined;
  // Direct routing is what ipvsadm does when nothing else is said.
  if (!options.has('-m'))
    note(
      `${options.has('-i') ? 'tunnelling' : 'direct routing'} to ${address} becomes full NAT: answers come back through the balancer; the server needs no address of the listener`,
    );
  const lower = numberIn(options.get('-y')) ?? 0;
  if (lower > 0) note(`lower threshold ${lower} is not carried over`);
  return {
    address,
    ...given({
      weight: numberIn(options.get('-w')),
      maxSessions: numberIn(options.get('-x')) || undefined,
    }),
  };
}

/** By short name; an option without a value is there with an empty one. */
function read(words: readonly string[]): Options {
  const options = new Map<string, string>();
  let name = '';
  for (const word of words) {
    const isOption = word.startsWith('-');
    if (isOption) {
      name = LONG[word] ?? word;
      options.set(name, '');
    } else if (!FLAGS.has(name)) options.set(name, word);
  }
  return options;
}
