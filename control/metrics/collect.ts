/** Turns rows that the daemons have anyway into samples: one table of columns per kind of row. */
import type { MetricName } from './catalogue.ts';
import type { Family, Histogram, Labels, Sample } from './text.ts';

/** What one row says about one metric; undefined where it has nothing to say. */
export type Column<Row> = {
  readonly name: MetricName;
  readonly value: (row: Row) => number | Histogram | undefined;
  readonly labels?: Labels;
};

/**
 * Columns of the same metric, which differ in a label, become one family.
 *
 * @example familiesOf(rows, ({ address }) => ({ server: address }), [
 *   { name: 'fullnat_server_connections_total', value: (row) => row.connections } ])
 */
export function familiesOf<Row>(
  rows: readonly Row[],
  labelsOf: (row: Row) => Labels,
  columns: readonly Column<Row>[],
): Family[] {
  const labelled = rows.map((row) => ({ row, own: labelsOf(row) }));
  const families = new Map<MetricName, Sample[]>();
  for (const { name, value, labels } of columns) {
    const samples = families.get(name) ?? [];
    families.set(name, samples);
    for (const { row, own } of labelled) {
      const found = value(row);
      if (found !== undefined) samples.push({ labels: { ...own, ...labels }, value: found });
    }
  }
  return [...families].map(([name, samples]) => ({ name, samples }));
}

/** One number for the whole daemon. */
export function single(name: MetricName, labels: Labels, value: number | Histogram): Family {
  return { name, samples: [{ labels, value }] };
}

/** One number for each word of a label. */
export function byLabel(
  name: MetricName,
  labels: Labels,
  label: string,
  values: Readonly<Record<string, number>>,
): Family {
  return {
    name,
    samples: Object.entries(values).map(([word, value]) => ({
      labels: { ...labels, [label]: word },
      value,
    })),
  };
}
