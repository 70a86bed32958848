/** Metrics as Prometheus reads them: its text format, version 0.0.4, written without holding up the event loop. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { METRICS, type MetricName } from './catalogue.ts';

export type Labels = Readonly<Record<string, string>>;

/** `buckets` are not cumulative: how many fell between the bound before and `upTo`, which is included. */
export type Histogram = {
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
  readonly sum: number;
};

export type Sample = { readonly labels: Labels; readonly value: number | Histogram };

export type Family = { readonly name: MetricName; readonly samples: readonly Sample[] };

/** Written without a pause: about 1 ms. */
const SAMPLES_PER_PIECE = 500;

/** A family without samples is left out. */
export async function metricsText(families: Iterable<Family>): Promise<string> {
  const pieces: string[] = [];
  for (const { name, samples } of families) {
    if (samples.length === 0) continue;
    const { type, help } = METRICS[name];
    pieces.push(`# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`);
    for (let first = 0; first < samples.length; first += SAMPLES_PER_PIECE) {
      const piece = samples.slice(first, first + SAMPLES_PER_PIECE);
      pieces.push(piece.map((sample) => linesOf(name, sample)).join(''));
      await yieldToLoop();
    }
  }
  return pieces.join('');
}

function linesOf(name: string, { labels, value }: Sample): string {
  if (typeof value === 'number') return line(name, labels, value);
  let below = 0;
  const buckets = value.buckets.map(({ upTo, count }) => {
    below += count;
    return line(`${name}_bucket`, { ...labels, le: numberText(upTo) }, below);
  });
  return [
    ...buckets,
    line(`${name}_sum`, labels, value.sum),
    line(`${name}_count`, labels, below),
  ].join('');
}

function line(name: string, labels: Labels, value: number): string {
  const inner = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  const braces = inner.length === 0 ? '' : `{${inner.join(',')}}`;
  return `${name}${braces} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
