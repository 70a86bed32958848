/** Targets side by side: a table that a terminal redraws, with what happened scrolling above it. */
import type { Summary } from '../../diagnose/probe/summary.ts';
import type { TargetState } from '../../diagnose/probe/side-by-side.ts';
import type { Sink } from '../command.ts';
import type { Style } from './style.ts';
import { table, type Column } from './table.ts';

export interface LiveTable {
  /** Above the table. */
  line(text: string): void;
  redraw(): void;
  /** The table stays on the screen as it last was. */
  end(): void;
}

interface Row {
  readonly name: string;
  readonly summary: Summary;
}

/** Faster than anybody reads would only cost time. */
const REDRAW_LEAST_MS = 100;
const CLEAR_BELOW = '\u001b[J';
const PORTS_SHOWN = 12;

/** `seesPackets`: challenge ACKs are counted, else unknown. */
export function probeTable(
  states: readonly TargetState[],
  seesPackets: boolean,
  style: Style,
): string {
  const rows = states.map(({ name, tally }) => ({ name, summary: tally.summary() }));
  const ports = rows
    .filter(({ summary }) => summary.filteredPorts.length > 0)
    .map(({ name, summary: { filteredPorts } }) => {
      const more = filteredPorts.length - PORTS_SHOWN;
      const shown = filteredPorts.slice(0, PORTS_SHOWN).join(' ');
      return `failing source ports to ${name}: ${shown}${more > 0 ? ` and ${more} more` : ''}\n`;
    });
  return table(columns(seesPackets), rows, style) + ports.join('');
}

export function liveTable(sink: Sink, draw: () => string): LiveTable {
  let height = 0;
  let drawnMs = -Infinity;
  const back = () => (height === 0 ? '' : `\u001b[${height}A\r${CLEAR_BELOW}`);
  const show = (above: string) => {
    const text = clipped(draw(), sink);
    sink.write(`${back()}${above}${text}`);
    height = text.split('\n').length - 1;
    drawnMs = performance.now();
  };
  return {
    line: show,
    redraw: () => {
      if (performance.now() - drawnMs >= REDRAW_LEAST_MS) show('');
    },
    end: () => show(''),
  };
}

function columns(seesPackets: boolean): readonly Column<Row>[] {
  const count = (
    heading: string,
    of: (summary: Summary) => number,
    paint?: keyof Style,
  ): Column<Row> => ({
    heading,
    align: 'right',
    text: ({ summary }) => String(of(summary)),
    paint: ({ summary }, style) =>
      paint === undefined || of(summary) === 0 ? (text) => text : style[paint],
  });
  const time = (heading: string, key: 'p50' | 'p99'): Column<Row> => ({
    heading,
    align: 'right',
    text: ({ summary }) => summary.connectMs?.[key].toFixed(1) ?? '-',
  });
  const challenges = count('ack', ({ counts }) => counts['challenge-ack'], 'bad');
  return [
    { heading: 'target', text: ({ name }) => name },
    count('all', ({ attempts }) => attempts),
    count('open', ({ counts }) => counts.open, 'good'),
    count('late', ({ counts }) => counts.late, 'warning'),
    count('closed', ({ counts }) => counts.closed, 'bad'),
    count('silent', ({ counts }) => counts.silent, 'bad'),
    count('icmp', ({ counts }) => counts.icmp, 'bad'),
    seesPackets ? challenges : { heading: 'ack', align: 'right', text: () => '?' },
    time('p50', 'p50'),
    time('p99', 'p99'),
  ];
}

/** A line that wraps would make the table higher than is counted. */
function clipped(text: string, { columns: width, rows }: Sink): string {
  // oxlint-disable-next-line no-control-regex -- colours take no room
  const parts = /(\u001b\[\d*m)/;
  const clip = (line: string) => {
    let left = width - 1;
    return line
      .split(parts)
      .map((part) => {
        if (parts.test(part)) return part;
        const shown = part.slice(0, Math.max(0, left));
        left -= part.length;
        return shown;
      })
      .join('');
  };
  const lines = text
    .replace(/\n$/, '')
    .split('\n')
    .slice(0, Math.max(1, rows - 2));
  return lines.map((line) => `${clip(line)}\n`).join('');
}
