/** In which network namespace of this machine a server is. */
import { ipRange, type IpEndpoint } from '../../../packet/ip.ts';
import type { NamespaceView } from '../surroundings.ts';

const ANY = [ipRange('::').first, ipRange('0.0.0.0').first];

export function viewWith(
  views: readonly NamespaceView[],
  { address, port }: IpEndpoint,
): NamespaceView | undefined {
  return views.find(({ addresses, listening }) =>
    listening.some(
      (socket) =>
        socket.port === port &&
        (socket.address === address ||
          (ANY.includes(socket.address) && addresses.includes(address))),
    ),
  );
}

/** What a command line begins with to run in there. */
export function inside({ path }: NamespaceView): string[] {
  return path === undefined ? [] : ['nsenter', `--net=${path}`];
}
