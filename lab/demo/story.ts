/** The demo from beginning to end, on a lab of its own; who tells it is somebody else's business. */

import type { Attempt } from '../../diagnose/probe/probe.ts';
import { openLab } from '../lab.ts';
import { status } from '../status.ts';
import { down, up } from '../up.ts';
import {
  caseUnderDrop,
  caseUnderRemap,
  openCase,
  type Case,
  type Dropped,
  type Remapped,
} from './collision.ts';
import type { Expectation } from './expectation.ts';
import { oneConnection, type OneConnection } from './one-connection.ts';
import { changePolicy } from './policy.ts';
import { LOAD, loadExpectations, underLoad, type UnderLoad } from './under-load.ts';

/** Told as it happens; `doing` is what takes a while from now on. */
export type Teller = {
  doing(what: string, seconds?: number): void;
  built(seconds: number, namespaces: number): void;
  oneConnection(seen: OneConnection): void;
  caseOpened(opened: Case): void;
  attempt(attempt: Attempt): void;
  dropped(seen: Dropped): void;
  policyChanged(seconds: number): void;
  remapped(seen: Remapped): void;
  loadBegins(): void;
  load(policy: 'drop' | 'remap', result: UnderLoad): void;
  expectations(list: readonly Expectation[]): void;
};

/** Returns what did not hold; the lab is up afterwards, with policy remap. */
export async function tellStory(
  instance: string,
  teller: Teller,
  signal: AbortSignal,
): Promise<Expectation[]> {
  const failed: Expectation[] = [];
  const judge = (list: readonly Expectation[]) => {
    teller.expectations(list);
    failed.push(...list.filter(({ holds }) => !holds));
    signal.throwIfAborted();
  };
  const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const start = performance.now();
    const result = await work();
    signal.throwIfAborted();
    return [result, (performance.now() - start) / 1000];
  };
  const told = { onAttempt: (attempt: Attempt) => teller.attempt(attempt) };

  teller.doing('building the lab and starting both daemons');
  // A new one, so that every table is empty.
  await down(instance);
  const options = { instance, servers: 1, lips: 1, onCollision: 'drop' } as const;
  const [, buildSeconds] = await timed(() => up(options));
  let lab = openLab(instance);
  teller.built(buildSeconds, (await status(instance)).namespaces.length);

  teller.doing('capturing one connection');
  const first = await oneConnection(lab);
  teller.oneConnection(first);
  judge(first.expectations);

  const theCase = await openCase(lab);
  teller.caseOpened(theCase);
  const dropped = await caseUnderDrop(lab, theCase, told);
  teller.dropped(dropped);
  judge(dropped.expectations);

  teller.doing('starting the agent again with policy remap');
  const [remapLab, changeSeconds] = await timed(() => changePolicy(lab, 'remap'));
  lab = remapLab;
  teller.policyChanged(changeSeconds);
  const remapped = await caseUnderRemap(lab, theCase, told);
  teller.remapped(remapped);
  judge(remapped.expectations);
  await theCase.direct.close();

  teller.loadBegins();
  const loadUnder = async (policy: 'drop' | 'remap') => {
    if (lab.options.onCollision !== policy) lab = await changePolicy(lab, policy);
    signal.throwIfAborted();
    teller.doing(`load under ${policy}`, LOAD.seconds);
    const result = await underLoad(lab);
    signal.throwIfAborted();
    teller.load(policy, result);
    return result;
  };
  const underDrop = await loadUnder('drop');
  judge(loadExpectations(underDrop, await loadUnder('remap')));
  return failed;
}
