/**
 * `npm run bench:diagnose [NAME…]`: every fault injected and diagnosed, as a table; the exit code
 * is 1 when one verdict or hop was wrong, or anything was blamed on a healthy lab.
 *
 *   npm run bench:diagnose -- --verbose server-input-drop
 */
import { parseArgs } from 'node:util';
import { diagnoseFault, type Score } from './diagnose.ts';
import { FAULTS } from './index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verbose: { type: 'boolean', default: false },
    /** Most of the time is waiting for answers that do not come. */
    jobs: { type: 'string', default: '2' },
  },
});
const wanted = FAULTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (wanted.length === 0) {
  console.error(`no such fault; one of ${FAULTS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const jobs = Number(values.jobs);
if (!Number.isInteger(jobs) || jobs < 1) {
  console.error(`--jobs must be a whole number of at least 1, got ${values.jobs}`);
  process.exit(2);
}

const scores: Score[] = [];
const waiting = wanted.values();
await Promise.all(
  Array.from({ length: jobs }, async (_, job) => {
    for (const fault of waiting) {
      const score = await diagnoseFault(`faultlab${job}`, fault);
      scores.push(score);
      console.log(line(score));
      if (values.verbose || !score.isRight) console.log(details(score));
    }
  }),
);
const wrong = scores.filter(({ isRight }) => !isRight);
const blamed = wrong.filter(({ expected }) => expected === 'healthy');
console.log(
  `${scores.length - wrong.length} of ${scores.length} right in verdict and hop; ` +
    `${blamed.length} false verdicts on a healthy lab`,
);
process.exitCode = wrong.length > 0 ? 1 : 0;

function line({ fault, expected, verdict, hop, isRight, seconds }: Score): string {
  const found = hop === '' ? verdict : `${verdict} @ ${hop}`;
  const mark = isRight ? 'right' : 'WRONG';
  return `${mark}  ${fault.padEnd(28)}  ${expected.padEnd(44)}  ${found.padEnd(40)}  ${seconds.toFixed(1)} s`;
}

function details({ report, said }: Score): string {
  if (report === undefined) return said;
  const hypotheses = report.hypotheses
    .toSorted((a, b) => a.decision.localeCompare(b.decision))
    .filter(({ decision }) => values.verbose || decision !== 'ruled-out')
    .map(({ decision, code, why }) => `        ${decision.padEnd(12)} ${code}: ${why}`);
  const tried = report.attempts.map(
    ({ purpose, failed, late, tried }) => `${purpose} ${failed}/${tried} (${late} late)`,
  );
  return [
    `        ${report.verdict.sentence}; ${report.verdict.because ?? ''}`,
    `        ${tried.join(', ')}; ${report.lostSyns} SYNs lost`,
    ...hypotheses,
  ].join('\n');
}
