/** A handful of the faults of `npm run bench:diagnose`, side by side, each in a lab of its own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { diagnoseFault } from './faults/diagnose.ts';
import { FAULTS } from './faults/index.ts';

const CHOSEN = ['healthy', 'collision-drop', 'server-input-drop'];
const skip = reasonToSkip();

test('faults have names of their own, and a sentence each', () => {
  assert.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
  for (const { name, sentence } of FAULTS) {
    assert.match(name, /^[a-z0-9-]+$/);
    assert.match(sentence, /^[A-Z].*\.$/);
  }
});

describe('fullnat diagnose on the lab', { skip, timeout: 180_000, concurrency: 3 }, () => {
  for (const [i, name] of CHOSEN.entries()) {
    const fault = FAULTS.find((one) => one.name === name);
    test(fault?.sentence ?? name, async () => {
      assert.ok(fault !== undefined, `there is no fault ${name}`);
      const { isRight, expected, verdict, hop, report, said } = await diagnoseFault(
        `dg${i}`,
        fault,
      );
      const found = `expected ${expected}, got ${verdict} @ ${hop}\n${said}`;
      assert.ok(isRight, `${found}\n${JSON.stringify(report?.hypotheses, undefined, 1)}`);
    });
  }
});

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const object = resolve(import.meta.dirname, '../datapath/agent/agent.bpf.o');
  return existsSync(object) ? false : `needs ${object}: npm run build`;
}
