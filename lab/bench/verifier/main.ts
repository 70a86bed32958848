/** npm run bench:verifier: how near each kernel program is to the verifier's limits; 1 beyond 80 %. */
import { basename, resolve } from 'node:path';
import {
  isTooNear,
  measureVerification,
  VERIFIER_LIMIT,
  VERIFIER_SHARE_MAX,
  type VerifierFigures,
} from '../../../datapath/binding/verifier.ts';
import { figure, percent, table } from '../table.ts';

const OBJECTS = ['balancer/balancer', 'agent/agent', 'agent/socket'];
const PROGRAMS = resolve(import.meta.dirname, '../../../datapath');
const HEADINGS = [
  ...['program', 'instructions', 'of limit', 'states', 'at peak', 'stack B', 'of limit'],
  ...['xlated B', 'jited B'],
];

const figures: VerifierFigures[] = [];
for (const object of OBJECTS)
  for (const found of await measureVerification(`${PROGRAMS}/${object}.bpf.o`))
    figures.push({ ...found, program: `${basename(object)}: ${found.program}` });
process.stdout.write(table(HEADINGS, figures.map(rowOf)));

const tooNear = figures.filter(isTooNear).map(({ program }) => program);
if (tooNear.length > 0) {
  process.stderr.write(
    `beyond ${percent(VERIFIER_SHARE_MAX)} of a limit: ${tooNear.join(', ')}; ` +
      'move cold code into a __noinline function or a bpf_loop, and large variables off the stack\n',
  );
  process.exitCode = 1;
}

function rowOf(of: VerifierFigures): string[] {
  const share = (what: keyof typeof VERIFIER_LIMIT) => percent(of[what] / VERIFIER_LIMIT[what]);
  return [
    of.program,
    ...[figure(of.processed), share('processed'), figure(of.totalStates), figure(of.peakStates)],
    ...[figure(of.stackBytes), share('stackBytes'), figure(of.xlatedBytes), figure(of.jitedBytes)],
  ];
}
