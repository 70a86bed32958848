/**
 * npm run sensitivity: plants one bug after the other in a copy of the kernel programs, and shows
 * which test catches it. Exits with 1 when a bug survives: a row is missing then.
 *
 *     npm run sensitivity [-- PART-OF-A-NAME ...]
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { loadPrivateObject } from '../../binding/object.ts';
import { judge, judgesOf, type Judgement } from './judge.ts';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations/index.ts';
import { copyTree, type Tree } from './tree.ts';

/** The checkout: this file is in dist/datapath/compliance/sensitivity. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const OBJECTS = ['balancer/balancer', 'agent/agent', 'agent/socket'];
const NAME_SHOWN = 72;

const wanted = process.argv.slice(2);
const chosen = mutations.filter(
  ({ name, file }) =>
    wanted.length === 0 || wanted.some((part) => name.includes(part) || file.includes(part)),
);
if (chosen.length === 0) fail(2, `no mutation has ${wanted.join(' or ')} in its name or file`);

const tree = copyTree(ROOT);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.on('exit', () => tree.remove());

await checkSound();
const survivors: string[] = [];
for (const [index, mutation] of chosen.entries())
  if (!(await isCaught(mutation, index + 1))) survivors.push(mutation.name);
say(`${chosen.length - survivors.length} of ${chosen.length} bugs caught`);
if (survivors.length > 0)
  fail(1, `survived, so that a row is missing:\n${survivors.map((one) => `  ${one}`).join('\n')}`);

/** What fails without a bug would be taken for a catch. */
async function checkSound(): Promise<void> {
  const judges = new Map(
    chosen.flatMap(({ judge: own }) => judgesOf(own)).map((one) => [JSON.stringify(one.file), one]),
  );
  for (const one of judges.values()) {
    const { failed, passed } = await judge(tree.root, one);
    if (failed.length > 0 || passed === 0)
      fail(
        2,
        `${one.file} must pass without a bug; ${passed} passed, failed: ${failed.join('; ')}`,
      );
    say(`sound: ${one.file}, ${passed} tests pass without a bug`);
  }
}

async function isCaught(mutation: Mutation, number: number): Promise<boolean> {
  const started = performance.now();
  const failed = await tree.spoilt(mutation, () => failuresOf(mutation, tree));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const [first, ...others] = failed;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  say(
    `${number}. ${mutation.name} (datapath/${mutation.file}), ${seconds} s\n   ` +
      (first === undefined ? 'SURVIVED' : `caught by: ${first.slice(0, NAME_SHOWN)}${more}`),
  );
  return first !== undefined;
}

async function failuresOf({ name, judge: own }: Mutation, { root }: Tree): Promise<string[]> {
  for (const object of OBJECTS) await mustLoad(join(root, `dist/datapath/${object}.bpf.o`), name);
  const judgements: Judgement[] = [];
  for (const one of judgesOf(own)) judgements.push(await judge(root, one));
  return judgements.flatMap(({ failed }) => failed);
}

/** A bug that the verifier sees is none to test with. */
async function mustLoad(path: string, name: string): Promise<void> {
  try {
    (await loadPrivateObject({ path, capacities: {} })).close();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    fail(2, `the verifier refuses "${name}"; write this mutation in another way: ${reason}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(code: 1 | 2, message: string): never {
  process.stderr.write(`sensitivity: ${message}\n`);
  process.exit(code);
}
