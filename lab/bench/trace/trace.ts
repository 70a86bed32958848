/** `fullnat trace` beside tcptrace and tshark, on the same capture files, in one run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runProgram } from '../../process.ts';
import { figure, table } from '../table.ts';
import { TRACE_POINTS, writeTraceFile } from './files.ts';

export interface TraceFigure {
  readonly what: string;
  readonly packets: number;
  /** Of the fastest round: others on the machine only make it slower. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

interface Run {
  readonly what: string;
  readonly packets: number;
  readonly argv: readonly string[];
}

const CONNECTIONS = 110_000;
/** 1.1 million and a little: lost SYNs are sent three times, and nothing follows them. */
const PACKETS = 1_096_000;
const MAIN = resolve(import.meta.dirname, '../../../cli/main.js');
/** What a child used is told by getrusage alone, which Node has for itself only. */
const MEASURED = `
import resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
`;
const TSHARK_FIELDS = [
  ...['frame.time_epoch', 'ip.src', 'tcp.srcport', 'ip.dst', 'tcp.dstport', 'tcp.flags'],
  ...['tcp.seq_raw', 'tcp.ack_raw'],
];

export async function measureTrace(
  { say, signal }: { readonly say: (line: string) => void; readonly signal: AbortSignal },
  { rounds }: { readonly rounds: number },
): Promise<TraceFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-bench-trace-'));
  try {
    const files = TRACE_POINTS.map((name) => join(folder, `${name}.pcap`));
    for (const [point, file] of files.entries()) {
      say(`trace: writing ${file}`);
      writeTraceFile(file, point, CONNECTIONS);
    }
    const found = new Map<string, TraceFigure>();
    for (let round = 0; round < rounds; round += 1)
      for (const run of runsOf(files)) {
        signal.throwIfAborted();
        const { what } = run;
        say(`trace: round ${round + 1} of ${rounds}, ${what}`);
        const one = await measured(run, signal);
        const known = found.get(what);
        if (!known || one.seconds < known.seconds) found.set(what, one);
      }
    return [...found.values()];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function traceReport(figures: readonly TraceFigure[]): string {
  const own = figures.find(({ what }) => what === 'fullnat trace');
  const rows = figures.map(({ what, packets, seconds, cpuSeconds, peakMiB }) => [
    ...[what, figure(packets), figure(seconds, 2), figure(cpuSeconds, 2), figure(peakMiB)],
    own ? figure(seconds / own.seconds, 1) : '-',
  ]);
  const headings = ['PROGRAM', 'PACKETS', 'SECONDS', 'CPU SECONDS', 'PEAK MiB', 'RATIO'];
  return `Capture files of ${figure(CONNECTIONS)} connections (the fastest round; RATIO: to fullnat trace of one file)
${table(headings, rows)}`;
}

function runsOf(files: readonly string[]): Run[] {
  const [client = ''] = files;
  const own = [process.execPath, MAIN, 'trace'];
  const named = files.map((file, i) => `${TRACE_POINTS[i]}=${file}`);
  return [
    { what: 'fullnat trace', packets: PACKETS, argv: [...own, client] },
    { what: 'fullnat trace, four points', packets: 4 * PACKETS, argv: [...own, ...named] },
    { what: 'tcptrace -n', packets: PACKETS, argv: ['tcptrace', '-n', client] },
    { what: 'tcptrace -n -l', packets: PACKETS, argv: ['tcptrace', '-n', '-l', client] },
    {
      what: 'tshark -T fields',
      packets: PACKETS,
      argv: [
        ...['tshark', '-r', client, '-T', 'fields'],
        ...TSHARK_FIELDS.flatMap((field) => ['-e', field]),
      ],
    },
  ];
}

async function measured({ what, packets, argv }: Run, signal: AbortSignal): Promise<TraceFigure> {
  const { stdout } = await runProgram(['python3', '-c', MEASURED, ...argv], { signal });
  const [code = 1, seconds = NaN, cpuSeconds = NaN, peakMiB = NaN] = stdout.split(' ').map(Number);
  // Lost connections are in the files: 10 is the answer to expect of our own.
  if (code !== 0 && code !== 10) throw new Error(`${argv.join(' ')} ended with exit code ${code}`);
  return { what, packets, seconds, cpuSeconds, peakMiB };
}
