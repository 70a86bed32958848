/** A trace for people at a terminal: a line per failure, and one conversation in full. */
import { stripVTControlCharacters } from 'node:util';
import type { Connection, Seconds } from '../correlate/connection.ts';
import { onFirstClock } from '../correlate/health.ts';
import { isFailed, type Conversation, type Trace } from '../correlate/trace.ts';
import type { Between } from '../correlate/verdict.ts';
import { findingsOf } from '../findings/index.ts';
import { proxiesOf } from '../findings/proxies.ts';
import { ladderOf, type Rung } from './ladder.ts';
import { confidenceOf, pointsJson, summaryOf, tupleText } from './trace-json.ts';

/** How words are set off; the caller's terminal decides. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly quiet: (text: string) => string;
  readonly strong: (text: string) => string;
}

const LANE_LEAST_COLUMNS = 16;
const TIME_COLUMNS = 13;

/** `20:31:36.412  LOST        10.0.88.100:21521 > 10.0.23.111:18056  3 SYNs over 3.0 s  …` */
export function failureLine(
  trace: Trace,
  conversation: Conversation,
  paint: Paint,
  columns: number = Infinity,
): string {
  const { hops, verdict } = conversation;
  const [first] = hops;
  if (!first) return '';
  const start = onFirstClock(trace, first.point, first.firstSeen);
  const codes = findingsOf(trace, conversation).map(({ code, evidence }) =>
    evidence['restoration'] === 'hypothetical' ? `${code} (if restored)` : code,
  );
  const parts = [
    paint.quiet(clockText(start)),
    paint.bad(verdict.outcome.toUpperCase().padEnd(10)),
    tupleText(trace, first),
    sentText(first),
    whereText(trace, conversation),
    codes.length > 0 ? paint.strong([...new Set(codes)].join(', ')) : '',
  ];
  const shown = parts.filter((part) => part !== '');
  return `${laidOut(shown, '  ', columns, ' '.repeat(TIME_COLUMNS + 1))}\n`;
}

/** Points with their clocks, and how many conversations ended how. */
export function overviewText(trace: Trace, paint: Paint): string {
  const points = pointsJson(trace);
  const width = Math.max(...points.map(({ name }) => name.length));
  const lines = points.map(({ name, file, packets, clockOffsetSeconds, health }, i) => {
    const clock =
      i === 0
        ? 'clock of reference'
        : clockOffsetSeconds === null
          ? 'clock unknown'
          : `clock ${signedMs(clockOffsetSeconds)}`;
    const condition =
      health.state === 'good'
        ? ''
        : `  ${paint.warning([health.state, ...health.damage].join(': '))}`;
    return `${name.padEnd(width)}  ${packets} packets  ${clock}  ${paint.quiet(file)}${condition}`;
  });
  const { conversations, ambiguous, ...byOutcome } = summaryOf(trace);
  const counts = Object.entries(byOutcome)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`);
  const unsure = ambiguous > 0 ? `; ${ambiguous} not followed for sure` : '';
  lines.push(
    `${conversations} ${conversations === 1 ? 'conversation' : 'conversations'}` +
      `${counts.length > 0 ? `: ${counts.join(', ')}` : ''}${unsure}`,
  );
  for (const { message } of proxiesOf(trace)) lines.push(paint.warning(message));
  return lines.map((line) => `${line}\n`).join('');
}

/** The ladder, how it was matched, and what follows from it. */
export function conversationText(
  trace: Trace,
  conversation: Conversation,
  paint: Paint,
  columns: number,
): string {
  const [first] = conversation.hops;
  if (!first) return '';
  const lane = Math.max(
    LANE_LEAST_COLUMNS,
    Math.min(28, Math.floor((columns - TIME_COLUMNS) / trace.points.length)),
  );
  const heading = isFailed(conversation)
    ? failureLine(trace, conversation, paint, columns)
    : `${paint.quiet(clockText(onFirstClock(trace, first.point, first.firstSeen)))}  ${paint.good(conversation.verdict.outcome.toUpperCase())}  ${tupleText(trace, first)}\n`;
  const names = trace.points.map(({ name }) => fit(name, lane)).join('');
  const lines = [
    paint.strong(`${' '.repeat(TIME_COLUMNS)}${names}`.trimEnd()),
    ...ladderOf(trace, conversation).map((rung) => rungLine(trace, rung, lane, paint)),
    '',
    ...[
      ...conversation.hops.map((hop) => hopLine(trace, hop)),
      ...matchLines(conversation),
      ...verdictLines(trace, conversation, paint),
      ...findingsOf(trace, conversation).map(
        ({ code, message }) => ` ${paint.strong(code.toUpperCase())}  ${message}`,
      ),
    ].map((line) => laidOut(line.split(' '), ' ', columns, '    ')),
  ];
  return heading + lines.map((line) => `${line}\n`).join('');
}

/** In as many lines as are needed, broken between parts; colours take no room. */
function laidOut(
  parts: readonly string[],
  separator: string,
  columns: number,
  indent: string,
): string {
  let [text, used] = ['', 0];
  for (const [i, part] of parts.entries()) {
    const width = stripVTControlCharacters(part).length;
    if (i > 0 && used + separator.length + width > columns) {
      text += `\n${indent}${part}`;
      used = indent.length + width;
    } else {
      text += (i > 0 ? separator : '') + part;
      used += (i > 0 ? separator.length : 0) + width;
    }
  }
  return text;
}

/** Each cell is a lane's mark and what is between it and the next lane. */
function rungLine(trace: Trace, rung: Rung, lane: number, paint: Paint): string {
  const time = `${signedMs(rung.marks[0]?.afterSeconds ?? 0).padStart(TIME_COLUMNS - 2)}  `;
  const seen = new Set(rung.marks.map(({ point }) => point));
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const isForward = rung.from === 'client';
  const lostAt = rung.isLost ? (isForward ? high + 1 : low - 1) : undefined;
  const [left, right] = isForward ? [low, lostAt ?? high] : [lostAt ?? low, high];
  const cells = trace.points.map((_, point) => {
    const mark = seen.has(point) ? '*' : point === lostAt ? paint.bad('X') : ' ';
    const isCrossed = left <= point && point < right;
    const label = point === (isForward ? low : high) ? ` ${rung.kind} ` : '';
    return mark + between(label, lane - 1, isCrossed, isForward);
  });
  return `${time}${cells.join('')}`.trimEnd();
}

function between(label: string, columns: number, isCrossed: boolean, isForward: boolean): string {
  if (!isCrossed) return label.padEnd(columns);
  return isForward ? `${label.padEnd(columns - 1, '-')}>` : `<${label.padStart(columns - 1, '-')}`;
}

function hopLine(trace: Trace, hop: Connection): string {
  const name = trace.points[hop.point]?.name ?? '';
  const named = hop.toa === undefined ? '' : `  TOA ${trace.book.keyText(hop.toa)}`;
  const isn = hop.isn === undefined ? '' : `  seq ${hop.isn}`;
  return ` ${name}: ${tupleText(trace, hop)}  length ${hop.synBytes}${isn}${named}`;
}

function matchLines(conversation: Conversation): string[] {
  const { match } = conversation;
  if (!match) return [];
  const confidence = (confidenceOf(match) * 100).toFixed(2);
  return [
    ` match: ${match.by.join(', ')}; confidence ${confidence} %, margin ${match.margin.toFixed(1)} bits over the next`,
  ];
}

function verdictLines(trace: Trace, conversation: Conversation, paint: Paint): string[] {
  const where = whereText(trace, conversation);
  return where === '' ? [] : [` ${paint.bad(where.toUpperCase())}`];
}

function sentText({ syns }: Connection): string {
  const [first, last] = [syns[0], syns.at(-1)];
  if (first === undefined || last === undefined) return '';
  if (syns.length === 1) return '1 SYN';
  return `${syns.length} SYNs over ${(last - first).toFixed(1)} s`;
}

function whereText(trace: Trace, { verdict }: Conversation): string {
  switch (verdict.outcome) {
    case 'established':
    case 'closed':
    case 'refused':
      return '';
    case 'lost':
    case 'unanswered': {
      if (!verdict.lostBetween) return '';
      const what = verdict.direction === 'return' ? 'answer lost' : 'lost';
      return `${what} ${betweenText(trace, verdict.lostBetween)}`;
    }
  }
}

function betweenText({ points }: Trace, [from, to]: Between): string {
  const name = (number: number) => points[number]?.name ?? '?';
  return to === null ? `after ${name(from)}` : `between ${name(from)} and ${name(to)}`;
}

/** Local time, as tcpdump prints it. */
function clockText(seconds: Seconds): string {
  const date = new Date(Math.floor(seconds * 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function signedMs(seconds: Seconds): string {
  const ms = seconds * 1000;
  return `${ms < 0 ? '-' : '+'}${Math.abs(ms).toFixed(Math.abs(ms) < 100 ? 3 : 1)} ms`;
}

function fit(text: string, columns: number): string {
  return text.slice(0, columns - 1).padEnd(columns);
}
