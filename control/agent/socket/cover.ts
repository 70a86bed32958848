/** Keeps the programs on their cgroup, and the listeners in it saving SYNs. */
import {
  attachToCgroup,
  clientsPin,
  uncoverPin,
  type CgroupHook,
} from '../../../datapath/binding/cgroup.ts';
import { cgroupId, isCgroup } from '../../../datapath/binding/cgroup-tree.ts';
import { pinIterator, runInEveryNamespace } from '../../../datapath/binding/iterator.ts';
import type { SocketMaps } from '../../../datapath/binding/object-maps.ts';
import type { LoadedObject } from '../../../datapath/binding/object.ts';
import type { Log } from '../../daemon/log.ts';
import { messageOf } from '../../daemon/failure.ts';

/** The answers first: no connection is known before somebody can be told. */
const HOOKS: readonly (readonly [CgroupHook, string])[] = [
  ['getpeername4', 'socket_peer4'],
  ['getpeername6', 'socket_peer6'],
  ['sockops', 'socket_events'],
];

/** What the map says before the first attachment. */
const NONE = 0n;

export type CoverParts = {
  readonly object: LoadedObject;
  readonly maps: Pick<SocketMaps, 'socketSettings' | 'clients'>;
  readonly log: Log;
};

export class Cover {
  readonly #parts: CoverParts;
  readonly #instance: string;
  #cgroup: string;
  /** Of the cgroup the programs are attached to; undefined while it does not exist. */
  #attached: bigint | undefined;
  /** Why it could not be attached again, the last time. */
  #failure: string | undefined;

  constructor(parts: CoverParts, place: { instance: string; cgroup: string }) {
    this.#parts = parts;
    this.#instance = place.instance;
    this.#cgroup = place.cgroup;
  }

  attach(): void {
    const { object, maps, log } = this.#parts;
    const [instance, cgroup] = [this.#instance, this.#cgroup];
    const id = cgroupId(cgroup);
    const settings = maps.socketSettings.get(0);
    pinIterator(object.program('uncover_listeners'), uncoverPin(instance));
    pinIterator(object.program('list_clients'), clientsPin(instance), maps.clients);
    const isMoved = settings.cgroup !== NONE && settings.cgroup !== id;
    if (isMoved) runInEveryNamespace(object.program('uncover_listeners'));
    maps.socketSettings.set(0, { ...settings, cgroup: id });
    for (const [hook, program] of HOOKS)
      attachToCgroup(object.program(program), { instance, cgroup, hook });
    runInEveryNamespace(object.program('cover_listeners'));
    this.#attached = id;
    log.info({ cgroup }, 'attached; programs in this cgroup see their clients');
  }

  /** Another cgroup, of a changed configuration. */
  moveTo(cgroup: string): void {
    if (cgroup === this.#cgroup) return;
    this.#cgroup = cgroup;
    this.attach();
  }

  /** Attaches again when the cgroup was removed and made anew, as service managers do. */
  follow(): void {
    try {
      this.#follow();
      this.#failure = undefined;
    } catch (error) {
      /* It may have been removed in between; what stays is told once. */
      const failure = messageOf(error);
      if (failure !== this.#failure)
        this.#parts.log.error({ cgroup: this.#cgroup, error: failure }, 'cannot be attached again');
      this.#failure = failure;
    }
  }

  #follow(): void {
    const { log } = this.#parts;
    const cgroup = this.#cgroup;
    const isThere = isCgroup(cgroup);
    if (isThere && cgroupId(cgroup) === this.#attached) return;
    if (isThere) return this.attach();
    if (this.#attached !== undefined)
      log.warn({ cgroup }, 'the cgroup was removed; attached again as soon as it is back');
    this.#attached = undefined;
  }
}
