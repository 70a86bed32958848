/**
 * From one mode of the agent to the other under one instance name: the earlier mode goes on with
 * the connections it has and takes no new one; when the last of them has ended, it is removed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { detachInstance } from '../../datapath/binding/attach.ts';
import type { Holder } from '../../datapath/binding/pins.ts';
import type { Log } from '../daemon/log.ts';
import { messageOf } from '../daemon/failure.ts';

export type ModeBefore = {
  /** As people call it. */
  readonly name: 'packet mode' | 'socket mode';
  readonly holder: Holder;
  /** How often to look whether it is still needed. */
  readonly lookEveryMs: number;
  /** Connections that need it. */
  readonly remaining: () => Promise<number>;
};

type Parts = { readonly instance: string; readonly log: Log };

/** Resolves when it is removed, or at `signal`; errors are told, and it is looked at again later. */
export async function removeWhenDone(
  mode: ModeBefore,
  parts: Parts,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(mode.lookEveryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    try {
      if (await isRemoved(mode, parts)) return;
    } catch (error) {
      parts.log.error({ error: messageOf(error) }, `${mode.name} could not be removed`);
    }
  }
}

async function isRemoved(
  { name, holder, remaining }: ModeBefore,
  { instance, log }: Parts,
): Promise<boolean> {
  const connections = await remaining();
  log.debug({ instance, connections }, `connections that still need ${name}`);
  if (connections > 0) return false;
  const { filters, links, elsewhere } = await detachInstance(instance, [holder]);
  if (elsewhere.length === 0)
    log.info({ instance, filters, links }, `${name} removed: its last connection has ended`);
  else
    log.warn(
      { instance, namespaces: elsewhere.map(({ namespace }) => namespace) },
      `${name} has no connection left but is attached in another network namespace; run \`fullnat detach\` there`,
    );
  return true;
}
