/** Programs on interfaces: those that are wanted, none left from before, and put back when an interface is made anew. */
import {
  attach,
  detach,
  heldIndex,
  isAttached,
  type Attachment,
} from '../../datapath/binding/attach.ts';
import { interfaceState, type InterfaceState } from '../../datapath/binding/interface-state.ts';
import type { LoadedObject } from '../../datapath/binding/object.ts';
import type { Role } from '../../datapath/binding/pins.ts';
import { interfaceNamed, type Direction } from '../../datapath/binding/tc.ts';
import { thisMachine } from '../config/machine.ts';
import { messageOf } from './failure.ts';
import type { Log } from './log.ts';

export type Place = {
  readonly program: string;
  readonly interface: string;
  readonly direction: Direction;
};

export type AttachmentsParts = {
  readonly object: LoadedObject;
  readonly instance: string;
  readonly role: Role;
  readonly log: Log;
};

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

export class Attachments {
  readonly #parts: AttachmentsParts;
  #wanted: readonly Place[] = [];
  /** Indexes of interfaces when they were attached to: made anew, they have others. */
  readonly #indexes = new Map<Place, number | undefined>();
  /** As last told; what is not in it is up. */
  readonly #states = new Map<string, Exclude<InterfaceState, 'up'>>();
  /** Why a place could not be attached again, the last time. */
  #failure: string | undefined;

  constructor(parts: AttachmentsParts) {
    this.#parts = parts;
  }

  /** Attaches to these places, replacing in place what was there, and to no others. */
  place(wanted: readonly Place[]): void {
    const { log } = this.#parts;
    for (const one of wanted) this.#attach(one);
    for (const place of everyPlace())
      if (!wanted.some((one) => isSame(one, place)) && detach({ ...this.#owner(), ...place }))
        log.info({ ...place }, 'removed from an interface that the configuration no longer has');
    this.#wanted = wanted;
    log.info({ places: wanted.map((one) => `${one.interface} ${one.direction}`) }, 'attached');
  }

  /** Tells of interfaces that went down or away, and attaches where a program is missing; once each. */
  follow(): void {
    try {
      const names = new Set(this.#wanted.map((one) => one.interface));
      for (const name of names) this.#tellState(name, interfaceState(name));
      for (const one of this.#wanted) this.#restore(one);
      this.#failure = undefined;
    } catch (error) {
      const failure = messageOf(error);
      if (failure !== this.#failure)
        this.#parts.log.error({ error: failure }, 'cannot be attached again; trying on');
      this.#failure = failure;
    }
  }

  #restore(one: Place): void {
    const { object, log } = this.#parts;
    const { program, ...place } = one;
    if (this.#states.get(place.interface) === 'absent') return;
    if (isAttached(object.program(program), { ...this.#owner(), ...place })) return;
    const held = heldIndex({ ...this.#owner(), ...place });
    if (held === undefined && interfaceNamed(place.interface).index === this.#indexes.get(one)) {
      this.#wanted = this.#wanted.filter((other) => other !== one);
      log.warn({ ...place }, 'taken off by fullnat detach: left so until a reload or a new start');
      return;
    }
    this.#attach(one);
    log.warn({ ...place }, 'the program was no longer there: attached again');
  }

  #tellState(name: string, state: InterfaceState): void {
    const { log } = this.#parts;
    if ((this.#states.get(name) ?? 'up') === state) return;
    const data = { interface: name };
    switch (state) {
      case 'up':
        this.#states.delete(name);
        log.info(data, 'the interface is up again');
        return;
      case 'down':
        this.#states.set(name, state);
        log.warn(data, 'the interface is down: no packet comes or goes by it');
        return;
      case 'absent':
        this.#states.set(name, state);
        log.warn(data, 'the interface is gone; attached again as soon as it is back');
    }
  }

  #attach(one: Place): void {
    const { program, ...place } = one;
    attach(this.#parts.object.program(program), { ...this.#owner(), ...place });
    this.#indexes.set(one, heldIndex({ ...this.#owner(), ...place }));
  }

  #owner(): Pick<Attachment, 'instance' | 'role'> {
    const { instance, role } = this.#parts;
    return { instance, role };
  }
}

function everyPlace(): Pick<Attachment, 'interface' | 'direction'>[] {
  return thisMachine
    .interfaces()
    .flatMap((name) => DIRECTIONS.map((direction) => ({ interface: name, direction })));
}

function isSame(a: Pick<Place, 'interface' | 'direction'>, b: typeof a): boolean {
  return a.interface === b.interface && a.direction === b.direction;
}
