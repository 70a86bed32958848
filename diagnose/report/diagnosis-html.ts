/** A diagnosis as one page that needs nothing else: no script, no network. */
import type { Diagnosis } from '../diagnosis.ts';
import { diagnosisJson, type DiagnosisJson } from './diagnosis-json.ts';
import { escaped, page } from './page.ts';

const DECISIONS = [
  { decision: 'proved', heading: 'Proved' },
  { decision: 'suspected', heading: 'Suspected' },
  { decision: 'ruled-out', heading: 'Ruled out' },
  { decision: 'not-checked', heading: 'Not checked' },
] as const;

export function diagnosisHtml(diagnosis: Diagnosis): string {
  const json = diagnosisJson(diagnosis);
  return page(`fullnat diagnose ${json.target}`, [
    verdict(json),
    path(json),
    attempts(json),
    ...DECISIONS.map(({ decision, heading }) => hypotheses(json, decision, heading)),
  ]);
}

function verdict({
  verdict: { kind, code, sentence, hop, confidence, because, remedy },
}: DiagnosisJson) {
  const where =
    hop === null
      ? ''
      : hop.places.length === 0
        ? 'where is not known'
        : `${hop.kind} ${hop.places.join(' and ')}`;
  const sure = confidence === null ? '' : `${Math.round(confidence * 100)} %`;
  const facts = [
    ['where', where],
    ['proved by', because ?? ''],
    ['confidence', sure],
    ['remedy', remedy ?? ''],
  ].filter(([, text]) => text !== '');
  const rows = facts.map(
    ([name = '', text = '']) => `<tr><th>${escaped(name)}</th><td>${escaped(text)}</td></tr>`,
  );
  const tone = kind === 'healthy' ? '' : ' class="bad"';
  return `<h2${tone}>${escaped(code ?? kind)}: ${escaped(sentence)}</h2><table>${rows.join('')}</table>`;
}

/** The places in path order; the one at fault is marked. */
function path({ places, verdict }: DiagnosisJson): string {
  const faulty = verdict.hop?.places ?? [];
  const steps = places
    .filter(({ role }) => role !== 'other-client')
    .map(({ name }) =>
      faulty.includes(name) ? `<b class="bad">${escaped(name)}</b>` : escaped(name),
    );
  return `<p>${steps.join(' → ')}</p>`;
}

function attempts({ attempts: groups, lostSyns, windowSeconds }: DiagnosisJson): string {
  const rows = groups.map(
    ({ purpose, tried, failed, refused }) =>
      `<tr><td>${escaped(purpose)}</td><td>${tried}</td><td>${failed}</td><td>${refused}</td></tr>`,
  );
  return (
    `<section><h2>Connections tried</h2><table><tr><th>purpose</th><th>tried</th><th>failed</th><th>refused</th></tr>${rows.join('')}</table>` +
    `<p class="quiet">${lostSyns} SYNs lost in ${windowSeconds} s</p></section>`
  );
}

function hypotheses(
  { hypotheses: all }: DiagnosisJson,
  wanted: (typeof DECISIONS)[number]['decision'],
  heading: string,
): string {
  const rows = all
    .filter(({ decision }) => decision === wanted)
    .map(
      ({ code, title, why }) =>
        `<tr><td title="${escaped(title)}">${escaped(code)}</td><td>${escaped(why)}</td></tr>`,
    );
  return rows.length === 0
    ? ''
    : `<section><h2>${heading}: ${rows.length}</h2><table>${rows.join('')}</table></section>`;
}
