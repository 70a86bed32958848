/** A trace as one page that needs nothing else: ladders in SVG, no script, no network. */
import { isFailed, type Conversation, type Trace } from '../correlate/trace.ts';
import type { Connection } from '../correlate/connection.ts';
import { proxiesOf } from '../findings/proxies.ts';
import { ladderOf, type Rung } from './ladder.ts';
import { escaped, page } from './page.ts';
import { confidenceOf, conversationJson, pointsJson, summaryOf, tupleText } from './trace-json.ts';

/** More would be a page that nobody scrolls and some browsers cannot. */
const CONVERSATIONS_MAX = 200;
const LANE_PIXELS = 220;
const MARGIN_PIXELS = 90;
const RUNG_PIXELS = 26;
const HEAD_PIXELS = 40;

export function traceHtml(trace: Trace, { all }: { readonly all: boolean }): string {
  const wanted = trace.conversations.filter((one) => all || isFailed(one));
  const shown = wanted.slice(0, CONVERSATIONS_MAX);
  const more =
    wanted.length > shown.length
      ? `<p>${wanted.length - shown.length} more are in <code>fullnat trace --json</code>.</p>`
      : '';
  return page('fullnat trace', [
    summary(trace),
    pointTable(trace),
    ...proxiesOf(trace).map(({ message }) => `<p class="bad">${escaped(message)}</p>`),
    ...shown.map((one) => section(trace, one)),
    more,
  ]);
}

function summary(trace: Trace): string {
  const { conversations, ambiguous, ...byOutcome } = summaryOf(trace);
  const parts = Object.entries(byOutcome).map(([outcome, count]) => `${count} ${outcome}`);
  const unsure = ambiguous > 0 ? ` (${ambiguous} not followed for sure)` : '';
  return `<p>${conversations} conversations: ${parts.join(', ')}${unsure}</p>`;
}

function pointTable(trace: Trace): string {
  const rows = pointsJson(trace).map(({ name, file, packets, clockOffsetSeconds, health }) => {
    const clock =
      clockOffsetSeconds === null ? 'unknown' : `${(clockOffsetSeconds * 1000).toFixed(3)} ms`;
    const condition = [health.state, ...health.damage].join(': ');
    return tableRow([name, file, `${packets}`, clock, condition].map(escaped));
  });
  const head = ['capture point', 'file', 'packets', 'clock offset', 'health'];
  return `<table>${headRow(head)}${rows.join('')}</table>`;
}

function section(trace: Trace, conversation: Conversation): string {
  const json = conversationJson(trace, conversation);
  const where =
    json.lostBetween === null
      ? ''
      : json.lostBetween[1] === null
        ? ` after ${json.lostBetween[0]}`
        : ` between ${json.lostBetween[0]} and ${json.lostBetween[1]}`;
  const { match } = conversation;
  const matched = match
    ? `<p class="quiet">matched by ${escaped(match.by.join(', '))}; confidence ${(confidenceOf(match) * 100).toFixed(2)} %, margin ${match.margin.toFixed(1)} bits</p>`
    : '';
  const findings = json.findings.map(
    ({ code, message }) => `<li><b>${escaped(code)}</b>: ${escaped(message)}</li>`,
  );
  return [
    `<section><h2>${escaped(json.client)} → ${escaped(json.listener)}</h2>`,
    `<p class="${isFailed(conversation) ? 'bad' : ''}">${json.outcome}${escaped(where)}</p>`,
    findings.length > 0 ? `<ul>${findings.join('')}</ul>` : '',
    ladderSvg(trace, conversation),
    headerTable(trace, conversation),
    `${matched}</section>`,
  ].join('\n');
}

function ladderSvg(trace: Trace, conversation: Conversation): string {
  const rungs = ladderOf(trace, conversation);
  const x = (point: number) => MARGIN_PIXELS + 60 + point * LANE_PIXELS;
  const width = x(trace.points.length - 1) + MARGIN_PIXELS;
  const height = HEAD_PIXELS + (rungs.length + 1) * RUNG_PIXELS;
  const lanes = trace.points.map(
    ({ name }, point) =>
      `<text x="${x(point)}" y="18" text-anchor="middle">${escaped(name)}</text>` +
      `<line class="lane" x1="${x(point)}" y1="26" x2="${x(point)}" y2="${height - 6}"/>`,
  );
  const lines = rungs.map((rung, i) =>
    rungSvg(rung, HEAD_PIXELS + (i + 1) * RUNG_PIXELS, x, trace.points.length - 1),
  );
  return (
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="ladder">` +
    `${lanes.join('')}${lines.join('')}</svg>`
  );
}

function rungSvg(rung: Rung, y: number, x: (point: number) => number, deepest: number): string {
  const points = rung.marks.map(({ point }) => point);
  const [begin, end] = [points[0] ?? 0, points.at(-1) ?? 0];
  const step = rung.from === 'client' ? 0.5 : -0.5;
  const isBeyond = end + step > deepest;
  const reach = rung.isLost && !isBeyond ? x(end) + step * LANE_PIXELS : x(end);
  const after = (rung.marks[0]?.afterSeconds ?? 0) * 1000;
  const dots = points.map(
    (point) => `<circle cx="${x(point)}" cy="${y}" r="3" fill="currentColor"/>`,
  );
  const cross = rung.isLost
    ? `<text class="lost" x="${isBeyond ? reach + 12 : reach}" y="${y + 5}" text-anchor="middle">✕</text>`
    : '';
  return (
    `<text x="4" y="${y + 4}">${after < 0 ? '' : '+'}${after.toFixed(1)} ms</text>` +
    `<line class="${rung.isLost ? 'lost' : ''}" x1="${x(begin)}" y1="${y}" x2="${reach}" y2="${y}"/>` +
    `${dots.join('')}${cross}` +
    `<text x="${(x(begin) + reach) / 2}" y="${y - 5}" text-anchor="middle">${rung.kind}</text>`
  );
}

/** What the SYN's headers said at each point; what differs from the point before is marked. */
function headerTable(trace: Trace, { hops }: Conversation): string {
  const { book } = trace;
  const fields: [string, (hop: Connection) => string][] = [
    ['source', (hop) => book.socketText(hop.clientAddress, hop.clientPort)],
    ['destination', (hop) => book.socketText(hop.serverAddress, hop.serverPort)],
    ['sequence', ({ isn }) => `${isn ?? ''}`],
    ['length', ({ synBytes }) => `${synBytes}`],
    ['TTL', ({ ttl }) => `${ttl}`],
    ['IP id', ({ ipId }) => `${ipId ?? ''}`],
    ['window', ({ window }) => `${window ?? ''}`],
    ['MSS', (hop) => `${hop.mss ?? ''}`],
    ['timestamp', ({ timestamp }) => `${timestamp ?? 'none'}`],
    ['TOA', ({ toa }) => (toa === undefined ? 'none' : book.keyText(toa))],
    ['options', ({ options }) => options ?? ''],
  ];
  const rows = fields.map(([name, textOf]) => {
    const cells = hops.map((hop, i) => {
      const [before, text] = [hops[i - 1], textOf(hop)];
      const isRewritten = before !== undefined && textOf(before) !== text;
      return isRewritten ? `<span class="rewritten">${escaped(text)}</span>` : escaped(text);
    });
    return tableRow([escaped(name), ...cells]);
  });
  const names = hops.map(({ point }) => trace.points[point]?.name ?? '');
  return `<details><summary>${escaped(tupleText(trace, hops[0] as Connection))}: headers of the SYN</summary><table>${headRow(['field', ...names])}${rows.join('')}</table></details>`;
}

function headRow(names: readonly string[]): string {
  return `<tr>${names.map((name) => `<th>${escaped(name)}</th>`).join('')}</tr>`;
}

function tableRow(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}
