/** One picture of `fullnat top`: the sums, then the busiest listeners, backends and clients. */
import type { Style } from '../output/style.ts';
import { table, type Column } from '../output/table.ts';
import { bytes } from '../output/units.ts';
import type { Moving, Rates, Sample } from './sample.ts';

export type Screen = { readonly columns: number; readonly rows: number };

const NARROW = 100;
/** Heading of the picture, and for each block a heading and an empty line. */
const LINES_BESIDE_ROWS = 9;
const ROWS_LEAST = 3;
/** In a pipe, where nobody scrolls. */
export const ROWS_IN_PIPE = 10;
/** Of a wide screen: the blocks get no wider, they would only drift apart. */
const NAME_MOST = 40;

export function frame(
  sample: Sample,
  rates: Rates,
  { columns, rows }: Screen,
  style: Style,
): string {
  const share = Math.max(ROWS_LEAST, Math.floor((rows - LINES_BESIDE_ROWS) / 3));
  const isNarrow = columns < NARROW;
  const block = (heading: string, all: readonly Moving[], kind: Kind) =>
    all.length === 0
      ? `${style.strong(heading)}  none\n`
      : table(columnsOf(heading, all.length, share, kind, isNarrow), all.slice(0, share), style);
  return [
    summary(sample, rates, style, columns),
    block('LISTENER', rates.listeners, 'listener'),
    block('BACKEND', rates.backends, 'backend'),
    block('CLIENT', rates.clients, 'client'),
  ].join('\n');
}

type Kind = 'listener' | 'backend' | 'client';

function summary(
  { info, sessionsTotal, sessions, atMs }: Sample,
  { total, dropped }: Rates,
  style: Style,
  columns: number,
): string {
  const { instance } = info;
  const capacity = Number(info['sessionCapacity'] ?? 0);
  const live = total.live;
  const used = capacity === 0 ? '' : ` (${((100 * sessionsTotal) / capacity).toFixed(1)} %)`;
  const looked = sessions.length < sessionsTotal ? `; clients: of ${sessions.length} sessions` : '';
  const parts = [
    `${style.strong('fullnat')} ${typeof instance === 'string' ? instance : ''}`,
    new Date(atMs).toISOString().slice(11, 19),
    `${live} live, ${sessionsTotal} of ${capacity} sessions${used}`,
    `${rate(total.connections)} new/s`,
    `in ${bits(total.bytesIn)}`,
    `out ${bits(total.bytesOut)}`,
    total.refused > 0 ? style.bad(`${rate(total.refused)} refused/s`) : '0 refused/s',
    dropped > 0 ? style.warning(`${rate(dropped)} not delivered/s`) : '0 not delivered/s',
  ];
  return wrapped([...parts, ...(looked === '' ? [] : [looked.slice(2)])], columns);
}

function columnsOf(
  heading: string,
  count: number,
  shown: number,
  kind: Kind,
  isNarrow: boolean,
): Column<Moving>[] {
  const title = count > shown ? `${heading} (${shown} of ${count})` : heading;
  const right = (name: string, text: (row: Moving) => string): Column<Moving> => ({
    heading: name,
    align: 'right',
    text,
  });
  return [
    { heading: title.padEnd(isNarrow ? 24 : 32), text: ({ name }) => clipped(name) },
    ...(kind === 'backend'
      ? [{ heading: 'STATE', text: ({ state }: Moving) => state, paint: paintState }]
      : []),
    right('LIVE', ({ live }) => String(live)),
    right('NEW/S', ({ connections }) => rate(connections)),
    right('IN', ({ bytesIn }) => bits(bytesIn)),
    right('OUT', ({ bytesOut }) => bits(bytesOut)),
    ...(kind === 'listener' ? [right('REFUSED/S', ({ refused }) => rate(refused))] : []),
    ...(isNarrow
      ? []
      : [
          right('BYTES/S IN', ({ bytesIn }) => bytes(Math.round(bytesIn))),
          right('BYTES/S OUT', ({ bytesOut }) => bytes(Math.round(bytesOut))),
        ]),
  ];
}

function paintState({ state }: Moving, style: Style): (text: string) => string {
  if (state === 'up') return style.good;
  return state === 'down' ? style.bad : style.warning;
}

function clipped(name: string): string {
  return name.length <= NAME_MOST ? name : `${name.slice(0, NAME_MOST - 1)}…`;
}

/** @example rate(12.34) // '12.3' */
function rate(perSecond: number): string {
  return perSecond === 0 || perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

/** As links are rated: powers of ten. @example bits(125_000) // '1.0 Mbit/s' */
export function bits(bytesPerSecond: number): string {
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];
  let value = bytesPerSecond * 8;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

function wrapped(parts: readonly string[], columns: number): string {
  // oxlint-disable-next-line no-control-regex -- colours take no room
  const widthOf = (text: string) => text.replaceAll(/\u001b\[\d*m/g, '').length;
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    if (line !== undefined && widthOf(line) + 3 + widthOf(part) <= columns)
      lines[lines.length - 1] = `${line} · ${part}`;
    else lines.push(part);
  }
  return lines.map((line) => `${line}\n`).join('');
}
