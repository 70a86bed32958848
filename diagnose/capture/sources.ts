/** Where a live capture point's packets come from: the kernel of this machine, tcpdump, or a daemon. */
import { formatIpEndpoint, type IpEndpoint } from '../../packet/ip.ts';
import type { TapWishes } from '../../datapath/binding/tap-capture.ts';
import type { Runner, Started } from '../collect/runner.ts';
import { captureFilter } from '../localise/capture-filter.ts';

export interface Limits {
  readonly packets: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** A capture file as it is written. */
export interface CaptureSource {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves when packets are being captured; rejects with the reason when they are not. */
  readonly ready: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export type Capturer =
  /** By the kernel of this machine, in one of its network namespaces; by tcpdump where it cannot. */
  | {
      readonly kind: 'tap';
      readonly namespace: string;
      readonly runner: Runner;
      readonly device: string;
    }
  | { readonly kind: 'tcpdump'; readonly runner: Runner; readonly device: string }
  /** By a daemon of ours, at its own interfaces or at this one. */
  | {
      readonly kind: 'daemon';
      readonly runner: Runner;
      readonly socket: string;
      readonly device: string | undefined;
    };

/** All headers, and the largest option space. */
const SNAP_BYTES = 144;
/** A program that only ever ends says nothing. */
const NEVER_SAID = '\0';

/** What is run is told first, for people to see. */
export async function openSource(
  capturer: Capturer,
  { ends, limits }: { readonly ends: readonly IpEndpoint[]; readonly limits: Limits },
  tell: (text: string) => void,
): Promise<CaptureSource> {
  const { runner, device } = capturer;
  switch (capturer.kind) {
    case 'tap': {
      const wishes = { ends, bounds: limits, places: [capturer] };
      const source = await tapSource(wishes).catch((error: unknown) => {
        if ((error as { code?: unknown }).code === 'BPF_NOT_FOUND')
          throw new Error(`there is no interface ${capturer.device} there`, { cause: error });
        return (error as Error).message;
      });
      if (typeof source !== 'string') {
        tell(`a tap in the kernel, at ${capturer.device}: ${captureFilter(ends)}`);
        return source;
      }
      tell(`no tap in the kernel (${source}), so tcpdump:`);
      return openSource(
        { kind: 'tcpdump', runner, device: capturer.device },
        { ends, limits },
        tell,
      );
    }
    case 'tcpdump': {
      const argv = tcpdumpArgv(capturer.device, captureFilter(ends), limits);
      tell(shown(runner, argv));
      return startedSource(runner.start(argv), 'listening on');
    }
    case 'daemon': {
      const argv = daemonArgv(capturer.socket, device, ends, limits);
      tell(shown(runner, argv));
      return startedSource(runner.start(argv), undefined);
    }
  }
}

function tcpdumpArgv(device: string, filter: string, { packets }: Limits): string[] {
  return [
    // As root it would become another user, and forget whose end is its own.
    ...['tcpdump', '-i', device, '-n', '-U', '--immediate-mode', '-Z', 'root'],
    ...['-s', String(SNAP_BYTES), '-c', String(packets), '-w', '-', filter],
  ];
}

/** What asks a daemon for its tap. */
function daemonArgv(
  socket: string,
  device: string | undefined,
  ends: readonly IpEndpoint[],
  { packets, bytes, seconds }: Limits,
): string[] {
  const query = new URLSearchParams({
    ends: ends.map(formatIpEndpoint).join(','),
    ...{ packets: String(packets), bytes: String(bytes), seconds: String(seconds) },
    ...(device === undefined ? {} : { interface: device }),
  });
  const url = `http://fullnat/v1/tap?${query.toString()}`;
  return ['curl', '-sS', '--fail-with-body', '-N', '--unix-socket', socket, url];
}

async function tapSource(wishes: TapWishes): Promise<CaptureSource> {
  // Loaded here alone: a trace of files needs nothing of BPF, and should start without it.
  const { TapCapture } = await import('../../datapath/binding/tap-capture.ts');
  const capture = await TapCapture.start(wishes);
  return {
    chunks: capture.output,
    ready: () => Promise.resolve(),
    stop: () => {
      capture.stop();
      return Promise.resolve();
    },
  };
}

/** `readyWords` are what the program says on stderr when it captures; undefined: its first byte says so. */
function startedSource(started: Started, readyWords: string | undefined): CaptureSource {
  let hasBegun = () => {};
  const begun = new Promise<void>((resolve) => (hasBegun = resolve));
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of started.stdout) {
      hasBegun();
      yield chunk;
    }
  }
  return {
    chunks: chunks(),
    ready: () =>
      readyWords === undefined
        ? Promise.race([begun, started.said(NEVER_SAID)])
        : started.said(readyWords),
    stop: () => started.stop(),
  };
}

function shown({ argvThere }: Runner, argv: readonly string[]): string {
  return argvThere(argv).map(forShell).join(' ');
}

function forShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
