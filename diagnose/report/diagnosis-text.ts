/** A diagnosis for people at a terminal: the verdict first, then what proves it and what was ruled out. */
import type { Diagnosis } from '../diagnosis.ts';
import { diagnosisJson, type DiagnosisJson } from './diagnosis-json.ts';
import type { Paint } from './trace-text.ts';

type HypothesisJson = DiagnosisJson['hypotheses'][number];
type AttemptsJson = DiagnosisJson['attempts'][number];

const LABEL_COLUMNS = 13;

export function diagnosisText(diagnosis: Diagnosis, paint: Paint, columns: number): string {
  const json = diagnosisJson(diagnosis);
  const of = (kind: HypothesisJson['decision']) =>
    json.hypotheses.filter(({ decision }) => decision === kind);
  const line = ({ code, why }: HypothesisJson) => `${paint.strong(code)}: ${why}`;
  const others = of('proved').filter(({ code }) => code !== json.verdict.code);
  return [
    ...broken(verdictLine(json, paint), Math.max(40, columns) - 1),
    ...block('PROVED BY', proofOf(json), columns),
    ...block('REMEDY', json.verdict.remedy === null ? [] : [json.verdict.remedy], columns),
    ...block('TRIED', [json.attempts.map(attemptText).join(' · ')], columns),
    ...block('ALSO PROVED', others.map(line), columns),
    ...block('SUSPECTED', of('suspected').map(line), columns),
    ...block('RULED OUT', joined(of('ruled-out')), columns),
    ...block('NOT CHECKED', of('not-checked').map(line), columns),
  ]
    .map((text) => `${text}\n`)
    .join('');
}

function verdictLine({ target, verdict }: DiagnosisJson, paint: Paint): string {
  const where = verdict.hop === null ? '' : ` (${placeText(verdict.hop)})`;
  const sure =
    verdict.confidence === null ? '' : `, confidence ${Math.round(verdict.confidence * 100)} %`;
  switch (verdict.kind) {
    case 'healthy':
      return `${paint.good('HEALTHY')}  ${target}: ${verdict.sentence}`;
    case 'cause':
      return `${paint.bad('FAILING')}  ${target}: ${paint.strong(verdict.code ?? '')}: ${verdict.sentence}${where}${sure}`;
    case 'unexplained':
      return `${paint.warning('FAILING')}  ${target}: ${verdict.sentence}${where}`;
  }
}

function placeText({ kind, places }: { kind: string; places: readonly string[] }): string {
  if (kind === 'inside') return `inside ${places[0] ?? '?'}`;
  return kind === 'between' ? `between ${places.join(' and ')}` : 'where is not known';
}

function proofOf({ verdict }: DiagnosisJson): string[] {
  return verdict.because === null ? [] : [verdict.because];
}

/** There are many: one paragraph. */
function joined(hypotheses: readonly HypothesisJson[]): string[] {
  return hypotheses.length === 0
    ? []
    : [hypotheses.map(({ code, why }) => `${code} (${why})`).join(' · ')];
}

function attemptText({ purpose, tried, failed, refused, late }: AttemptsJson) {
  const how = [
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(late > 0 ? [`${late} came late`] : []),
  ];
  return `${purpose}: ${failed} of ${tried} failed${how.length > 0 ? ` (${how.join(', ')})` : ''}`;
}

/** The label once, the items below each other, long ones broken between words. */
function block(label: string, items: readonly string[], columns: number): string[] {
  const width = Math.max(40, columns) - LABEL_COLUMNS - 1;
  return items
    .flatMap((item) => broken(item, width))
    .map((text, i) => ` ${(i === 0 ? label : '').padEnd(LABEL_COLUMNS)}${text}`);
}

/** Lines after the first are indented. */
function broken(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
