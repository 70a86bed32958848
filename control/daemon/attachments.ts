/** Programs on interfaces: those that are wanted, and none left from an earlier configuration. */
import { attach, detach, type Attachment } from '../../datapath/binding/attach.ts';
import type { LoadedObject } from '../../datapath/binding/object.ts';
import type { Role } from '../../datapath/binding/pins.ts';
import type { Direction } from '../../datapath/binding/tc.ts';
import { thisMachine } from '../config/machine.ts';
import type { Log } from './log.ts';

export type Place = {
  readonly program: string;
  readonly interface: string;
  readonly direction: Direction;
};

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

export function attachOnly(
  object: LoadedObject,
  { instance, role }: { instance: string; role: Role },
  wanted: readonly Place[],
  log: Log,
): void {
  for (const { program, ...place } of wanted)
    attach(object.program(program), { instance, role, ...place });
  for (const place of everyPlace())
    if (!wanted.some((one) => isSame(one, place)) && detach({ instance, role, ...place }))
      log.info({ ...place }, 'removed from an interface that the configuration no longer has');
  log.info({ places: wanted.map((one) => `${one.interface} ${one.direction}`) }, 'attached');
}

function everyPlace(): Pick<Attachment, 'interface' | 'direction'>[] {
  return thisMachine
    .interfaces()
    .flatMap((name) => DIRECTIONS.map((direction) => ({ interface: name, direction })));
}

function isSame(a: Pick<Place, 'interface' | 'direction'>, b: typeof a): boolean {
  return a.interface === b.interface && a.direction === b.direction;
}
