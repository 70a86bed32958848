/** Runs rows and laws on the model and on the loaded programs, each by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPath, Verdict } from '../model/index.ts';
import { buildTopology } from './kernel/topology.ts';
import type { Law } from './law.ts';
import { runRow, type Families } from './row.ts';
import { verdictGaps, type Program } from './verdicts.ts';

/** One behaviour, two implementations. */
export interface Implementations<Tables> {
  readonly model: () => DataPath<Tables>;
  readonly kernel: () => Promise<DataPath<Tables>>;
  /** False, or why the kernel's programs cannot be run here. */
  readonly skip: string | false;
}

/** Every row of every family; then, whether each verdict was reached. */
export function testRows<Tables>(
  program: Program,
  { model, kernel, skip }: Implementations<Tables>,
  defaults: Tables,
  families: Families<Tables>,
): void {
  const rows = Object.entries(families).flatMap(([family, rows]) =>
    rows.map((row) => ({ row, title: `${family}: ${row.name}` })),
  );
  test(`${program}: rows, the model`, async (t) => {
    const path = model();
    for (const { row, title } of rows)
      if (row.kernelOnly === undefined)
        await t.test(title, () => {
          runRow(path, defaults, row);
        });
  });
  test(`${program}: rows, the programs`, { skip }, async (t) => {
    buildTopology();
    const path = await kernel();
    const reached = new Set<Verdict>();
    for (const { row, title } of rows)
      await t.test(title, () =>
        runRow(path, defaults, row).forEach((verdict) => reached.add(verdict)),
      );
    await t.test('every verdict is reached by a row', () =>
      assert.deepEqual(verdictGaps(program, reached), []),
    );
    path.close();
  });
}

export function testLaws<Tables>(
  program: Program,
  { model, kernel, skip }: Implementations<Tables>,
  laws: readonly Law<Tables>[],
): void {
  test(`${program}: laws, the model`, async (t) => {
    const path = model();
    for (const law of laws)
      if (law.kernelOnly === undefined) await t.test(law.name, async () => law.check(path));
  });
  test(`${program}: laws, the programs`, { skip }, async (t) => {
    buildTopology();
    const path = await kernel();
    for (const law of laws) await t.test(law.name, async () => law.check(path));
    path.close();
  });
}
