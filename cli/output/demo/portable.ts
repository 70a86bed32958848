/** Tells the demo of the portable engine, step by step. */
import type { PortableTeller } from '../../../lab/demo/portable/story.ts';
import type { Sink } from '../../command.ts';

export function portableTeller({ write, style }: Pick<Sink, 'write' | 'style'>): PortableTeller {
  let number = 0;
  return {
    step: (title, lines, expectations) => {
      number++;
      write(`\n${style.strong(`${number}  ${title}`)}\n`);
      for (const line of lines) write(`   ${line}\n`);
      for (const { sentence, holds } of expectations)
        write(`   ${holds ? style.good('ok') : style.bad('NOT')}  ${sentence}\n`);
    },
  };
}

export function portableBeginning(missing: readonly string[]): string {
  return [
    'The engine in the kernel cannot run here; missing:',
    ...missing.map((each) => `  ${each}`),
    'So this is the portable engine: full NAT in a process, without any rights.',
    '',
  ].join('\n');
}
