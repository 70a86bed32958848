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

/** Told as it happens. */
export type Teller = {
  /** Something that takes a while, and its end. */
  begins(what: string): void;
  ended(): void;
  built(seconds: number, namespaces: number): void;
  oneConnection(seen: OneConnection): void;
  caseOpened(opened: Case): void;
  attempt(attempt: Attempt): void;
  dropped(seen: Dropped): void;
  policyChanged(seconds: number): void;
  remapped(seen: Remapped): void;
  loadBegins(): void;
  loads(results: readonly UnderLoad[]): void;
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
  const step = async <T>(what: string, work: () => Promise<T>) => {
    teller.begins(what);
    const start = performance.now();
    const result = await work();
    teller.ended();
    signal.throwIfAborted();
    return { result, seconds: (performance.now() - start) / 1000 };
  };
  const told = { onAttempt: (attempt: Attempt) => teller.attempt(attempt) };

  const built = await step('building the lab and starting both daemons', async () => {
    // A new one, so that every table is empty.
    await down(instance);
    await up({ instance, servers: 1, lips: 1, onCollision: 'drop' });
    return status(instance);
  });
  teller.built(built.seconds, built.result.namespaces.length);
  let lab = openLab(instance);

  const first = await step('capturing one connection', () => oneConnection(lab));
  teller.oneConnection(first.result);
  judge(first.result.expectations);

  const theCase = await openCase(lab);
  teller.caseOpened(theCase);
  const dropped = await step('probing from five source ports', () =>
    caseUnderDrop(lab, theCase, told),
  );
  teller.dropped(dropped.result);
  judge(dropped.result.expectations);

  const changed = await step('starting the agent again', () => changePolicy(lab, 'remap'));
  lab = changed.result;
  teller.policyChanged(changed.seconds);
  const remapped = await step('probing from five source ports', () =>
    caseUnderRemap(lab, theCase, told),
  );
  teller.remapped(remapped.result);
  judge(remapped.result.expectations);
  await theCase.direct.close();

  teller.loadBegins();
  const loadUnder = async (policy: 'drop' | 'remap') => {
    const { result } = await step(`${LOAD.seconds} s of load under policy ${policy}`, async () => {
      lab = await changePolicy(lab, policy);
      return underLoad(lab);
    });
    return result;
  };
  const [underDrop, underRemap] = [await loadUnder('drop'), await loadUnder('remap')];
  teller.loads([underDrop, underRemap]);
  judge(loadExpectations(underDrop, underRemap));
  return failed;
}
