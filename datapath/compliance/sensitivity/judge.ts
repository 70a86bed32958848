/** Runs test files of a tree and says which of their tests failed. */
import { join } from 'node:path';
import { run } from 'node:test';
import type { Judge } from './mutation.ts';

/** What failed, in order; empty when everything passed. */
export interface Judgement {
  readonly failed: readonly string[];
  readonly passed: number;
}

/** What is read of node:test's own events. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly skip?: string | boolean;
    readonly details: { readonly type?: string; readonly error?: { failureType?: string } };
  };
}

/** The rows: the judges unless a mutation names another. */
const ROWS: readonly Judge[] = [
  { file: 'datapath/compliance/balancer.test' },
  { file: 'datapath/compliance/agent.test' },
];
/** A file that has not ended by then hangs, which is a failure too. */
const FILE_TIMEOUT_MS = 180_000;

export function judgesOf(judge: Judge | undefined): readonly Judge[] {
  return judge === undefined ? ROWS : [judge];
}

export async function judge(root: string, { file, tests }: Judge): Promise<Judgement> {
  const failed: string[] = [];
  let passed = 0;
  const files = [join(root, 'dist', `${file}.js`)];
  const only = tests === undefined ? {} : { testNamePatterns: tests };
  const events: AsyncIterable<TestEvent> = run({ files, timeout: FILE_TIMEOUT_MS, ...only });
  for await (const { type, data } of events) {
    if (type === 'test:pass' && data.skip === undefined && data.details.type !== 'suite')
      passed += 1;
    /* a suite, or a file, that failed because of the tests in it: they are told themselves */
    if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed')
      failed.push(data.name);
  }
  return { failed, passed };
}
