/** The one C function of libsystemd that this project calls. */
import koffi, { type KoffiFunc } from 'koffi';

const LIBRARY = 'libsystemd.so.0';
/** sd_notify() can forget NOTIFY_SOCKET after telling: we tell again. */
const KEEP_ENVIRONMENT = 0;

let notify: KoffiFunc<(unsetEnvironment: number, state: string) => number> | undefined;

/** Tells the service manager, see sd_notify(3): a negative errno when it could not be told. */
export function sdNotify(state: string): number {
  notify ??= koffi.load(LIBRARY).func('sd_notify', 'int', ['int', 'str']) as NonNullable<
    typeof notify
  >;
  return notify(KEEP_ENVIRONMENT, state);
}
