/** In which network namespace of this machine a server is. */
import type { Endpoint } from '../../../packet/address.ts';
import type { NamespaceView } from '../surroundings.ts';

const ANY = 0;

export function viewWith(
  views: readonly NamespaceView[],
  { address, port }: Endpoint,
): NamespaceView | undefined {
  return views.find(({ addresses, listening }) =>
    listening.some(
      (socket) =>
        socket.port === port &&
        (socket.address === address || (socket.address === ANY && addresses.includes(address))),
    ),
  );
}

/** What a command line begins with to run in there. */
export function inside({ path }: NamespaceView): string[] {
  return path === undefined ? [] : ['nsenter', `--net=${path}`];
}
