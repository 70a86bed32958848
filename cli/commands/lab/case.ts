/** `fullnat lab case` */
import type { CaseResult, LabCase } from '../../../lab/cases/case.ts';
import { CASES } from '../../../lab/cases/index.ts';
import { openLab } from '../../../lab/lab.ts';
import { checkMachine } from '../../../lab/requirements.ts';
import { choice } from '../../choice.ts';
import { command, optionalArgument } from '../../command.ts';
import type { Style } from '../../output/style.ts';
import { table } from '../../output/table.ts';
import { doing, instanceOption } from './common.ts';

export const labCase = command({
  name: 'case',
  summary: 'Try whether a sentence about fullnat holds in the lab; without a name, list them',
  arguments: {
    name: optionalArgument(
      '[name]',
      'of the case, or `all`',
      choice('case', ['all', ...CASES.map(({ name }) => name)]),
    ),
  },
  options: { instance: instanceOption },
  examples: [
    { command: 'fullnat lab case', does: 'which there are' },
    { command: 'fullnat lab case direct', does: 'exit code 0 when it holds, 1 when it does not' },
    { command: 'fullnat lab case all', does: 'one after the other' },
  ],
  handler: async ({ arguments: { name }, options: { instance } }, { stdout }) => {
    if (name === undefined) {
      stdout.write(listOf(CASES, stdout.style));
      return 0;
    }
    const lab = await doing(() => {
      checkMachine();
      return openLab(instance);
    });
    let hasFailed = false;
    for (const labCase of CASES.filter((each) => name === 'all' || each.name === name)) {
      const result = await doing(() => labCase.run(lab));
      stdout.write(told(labCase, result, stdout.style));
      hasFailed ||= result.kind === 'fails';
    }
    return hasFailed ? 1 : 0;
  },
});

function listOf(cases: readonly LabCase[], style: Style): string {
  return table(
    [
      { heading: 'CASE', text: ({ name }) => name },
      { heading: 'SENTENCE', text: ({ sentence }) => sentence },
    ],
    cases,
    style,
  );
}

function told({ name, sentence }: LabCase, result: CaseResult, style: Style): string {
  switch (result.kind) {
    case 'holds':
      return lines(`${style.good('holds')}  ${name}: ${sentence}`, result.facts);
    case 'fails':
      return lines(`${style.bad('fails')}  ${name}: ${sentence}`, [
        ...result.facts,
        `because: ${result.because}`,
      ]);
    case 'not-here':
      return lines(`${style.warning('skips')}  ${name}: ${sentence}`, [result.because]);
  }
}

function lines(first: string, rest: readonly string[]): string {
  return [first, ...rest.map((line) => `       ${line}`)].map((line) => `${line}\n`).join('');
}
