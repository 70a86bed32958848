/**
 * From packet mode to socket mode under one instance name: what packet mode has in its
 * table goes on being translated, new connections are left to socket mode, and packet
 * mode is removed when nothing is translated any more.
 */
import { detachInstance } from '../../../datapath/binding/attach.ts';
import { SLOT_REMAPPED } from '../../../datapath/binding/contract.ts';
import { agentMaps, type AgentMaps } from '../../../datapath/binding/object-maps.ts';
import { openInstance } from '../../../datapath/binding/object.ts';
import { listPins } from '../../../datapath/binding/pins.ts';
import { MachineError } from '../../daemon/forwarding.ts';
import type { Log } from '../../daemon/log.ts';
import { messageOf } from '../../daemon/serve.ts';
import { sessionsIn } from '../../daemon/slots.ts';

const LOOK_EVERY_MS = 5_000;

export class PacketModeBefore {
  readonly #instance: string;
  readonly #log: Log;
  #isThere = false;
  #lookAt = 0;

  constructor(instance: string, log: Log) {
    this.#instance = instance;
    this.#log = log;
  }

  /** From now on packet mode takes no new connection of a balancer. */
  takeOver(): void {
    const pins = listPins(this.#instance, 'agent');
    if (pins.length === 0) return;
    if (!pins.some(({ map }) => map === 'taken_over'))
      throw new MachineError(
        `packet mode of instance ${this.#instance} is from a version that cannot be taken over; ` +
          `start this version with mode: packet once, then change the mode`,
      );
    this.#withMaps((maps) => maps.takenOver.set(0, 1));
    this.#isThere = true;
    this.#log.info(
      { instance: this.#instance },
      'taken over from packet mode, which goes on with the connections it has',
    );
  }

  /** Looks now and then; errors are told, and looked at again later. */
  removeWhenDone(): void {
    if (!this.#isThere || performance.now() < this.#lookAt) return;
    this.#lookAt = Infinity;
    this.#remove()
      .catch((error: unknown) =>
        this.#log.error({ error: messageOf(error) }, 'packet mode could not be removed'),
      )
      .finally(() => (this.#lookAt = performance.now() + LOOK_EVERY_MS));
  }

  async #remove(): Promise<void> {
    const instance = this.#instance;
    const translated = await this.#withMaps(countTranslated);
    this.#log.debug({ instance, translated }, 'connections that packet mode still translates');
    if (translated > 0) return;
    const { filters, elsewhere } = await detachInstance(instance, ['agent']);
    this.#isThere = false;
    if (elsewhere.length === 0)
      this.#log.info({ instance, filters }, 'packet mode removed: its last connection has ended');
    else
      this.#log.warn(
        { instance, namespaces: elsewhere.map(({ namespace }) => namespace) },
        'packet mode has no connection left but is attached in another network namespace; run `fullnat detach` there',
      );
  }

  #withMaps<T>(work: (maps: AgentMaps) => T): T {
    const source = openInstance(this.#instance, 'agent');
    const close = () => source.close();
    try {
      const result = work(agentMaps(source));
      if (result instanceof Promise) void result.then(close, close);
      else close();
      return result;
    } catch (error) {
      close();
      throw error;
    }
  }
}

/** Those with another tuple on the server than on the wire, live or resting. */
async function countTranslated(maps: AgentMaps): Promise<number> {
  let count = 0;
  for await (const slots of sessionsIn(maps))
    count += slots.filter(
      ({ kind, flags }) => kind === 'restored' || (flags & SLOT_REMAPPED) !== 0,
    ).length;
  return count;
}
