/** Alerts and dashboard: every metric they use exists, every alert has its runbook and its cases. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { METRICS } from './catalogue.ts';
import { promtool } from './testing.ts';

const PACKAGE = new URL('../../../', import.meta.url);
const RULES = 'deploy/prometheus/fullnat.rules.yaml';
const CASES = 'deploy/prometheus/fullnat.rules.test.yaml';
const DASHBOARD = 'deploy/grafana/fullnat.json';
const RUNBOOKS = 'docs/runbooks/';

type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook: string };
};
type Case = {
  readonly alert_rule_test: readonly { alertname: string; exp_alerts: readonly object[] }[];
};

const alerts = (
  parse(contentOf(RULES)) as { groups: readonly { rules: readonly Alert[] }[] }
).groups.flatMap(({ rules }) => rules);
const cases = (parse(contentOf(CASES)) as { tests: readonly Case[] }).tests.flatMap(
  (one) => one.alert_rule_test,
);

for (const { alert, expr, annotations } of alerts)
  test(`${alert}: its metrics exist, it has a page, a case that fires and one that does not`, () => {
    assert.deepEqual(unknownMetrics(expr), []);
    assert.equal(annotations.runbook, `${RUNBOOKS}${alert}.md`);
    const page = contentOf(annotations.runbook);
    assert.match(page, new RegExp(`^# ${alert}\n`));
    assert.ok(page.includes(expr), 'the page shows another expression');
    const firing = cases
      .filter(({ alertname }) => alertname === alert)
      .map(({ exp_alerts: expected }) => expected.length > 0);
    assert.deepEqual(new Set(firing), new Set([true, false]));
  });

test('no runbook is of an alert that is no more', () => {
  const names = new Set(alerts.map(({ alert }) => `${alert}.md`));
  const pages = readdirSync(new URL(RUNBOOKS, PACKAGE)).filter((name) => name !== 'README.md');
  assert.deepEqual(
    pages.filter((name) => !names.has(name)),
    [],
  );
});

test('every metric of the dashboard exists', () => {
  const text = contentOf(DASHBOARD);
  const { panels } = JSON.parse(text) as { panels: readonly { type: string }[] };
  assert.ok(panels.filter(({ type }) => type === 'timeseries').length > 10);
  assert.deepEqual(unknownMetrics(text), []);
});

test('a metric that does not exist is found', () => {
  assert.deepEqual(unknownMetrics('rate(fullnat_nothing_total[5m])'), ['fullnat_nothing_total']);
  assert.deepEqual(unknownMetrics('fullnat_sessions_count'), ['fullnat_sessions_count']);
});

test('promtool: the alerts fire when they should, and not when they should not', (t) => {
  const { check, skip } = promtool();
  if (skip !== undefined) return t.skip(skip);
  assert.equal(check(['test', 'rules', fileURLToPath(new URL(CASES, PACKAGE))]), '');
});

test('promtool: every expression of the dashboard is PromQL', (t) => {
  const { check, skip } = promtool();
  if (skip !== undefined) return t.skip(skip);
  const { panels } = JSON.parse(contentOf(DASHBOARD)) as {
    panels: readonly { targets?: readonly { expr: string }[] }[];
  };
  const rules = panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }, i) => ({
      record: `dashboard:${i}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
  const directory = mkdtempSync(join(tmpdir(), 'fullnat-dashboard-'));
  try {
    const file = join(directory, 'rules.yaml');
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    assert.equal(check(['check', 'rules', file]), '');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function unknownMetrics(text: string): string[] {
  const used = text.match(/\bfullnat_\w+/g) ?? [];
  const known = new Set(
    Object.entries(METRICS).flatMap(([name, { type }]) =>
      (type as string) === 'histogram'
        ? [`${name}_bucket`, `${name}_sum`, `${name}_count`]
        : [name],
    ),
  );
  return [...new Set(used)].filter((name) => !known.has(name));
}

function contentOf(path: string): string {
  return readFileSync(new URL(path, PACKAGE), 'utf8');
}
