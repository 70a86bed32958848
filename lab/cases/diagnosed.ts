/** Each fault as a case: injected into a lab of its own, and diagnosed right. */

import { diagnoseFault } from '../faults/diagnose.ts';
import { FAULTS } from '../faults/index.ts';
import { judge, type LabCase } from './case.ts';

export const DIAGNOSED_CASES: readonly LabCase[] = FAULTS.map((fault) => ({
  name: `diagnose-${fault.name}`,
  sentence: fault.sentence,
  run: async (lab) => {
    if (!lab.options.daemons) {
      return { kind: 'not-here', because: 'the lab was built with --no-daemons' };
    }
    const { expected, verdict, hop, isRight, report, said } = await diagnoseFault(
      `${lab.options.instance}-fault`,
      fault,
    );
    const found = hop === '' ? verdict : `${verdict} @ ${hop}`;
    return judge(
      [`diagnosed as ${found}`, report?.verdict.because ?? said],
      isRight ? [] : [`expected ${expected}, got ${found}`],
    );
  },
}));
