/** Port shadowing: this machine's own sockets where a listener or a local is. */
import { formatEndpoint, type Endpoint } from '../../../packet/address.ts';
import {
  formatAddressRange,
  formatPortRange,
  rangeContains,
  type PortRange,
} from '../../../packet/address-range.ts';
import type { LocalsConfig } from '../../config/balancer.ts';
import { notSeen, ok, warn, type Told } from '../finding.ts';
import type { DoctorCheck, Surroundings } from '../surroundings.ts';

const EPHEMERAL = '/proc/sys/net/ipv4/ip_local_port_range';
const RESERVED = '/proc/sys/net/ipv4/ip_local_reserved_ports';
const ANY = 0;

export const shadowing: DoctorCheck = {
  name: 'port shadowing',
  look: async (around, { balancer }) => {
    if (balancer === undefined) return [];
    const { machine } = around;
    const own = machine.addresses();
    const sockets = machine.listeningSockets();
    const shadowed = balancer.listeners.flatMap(({ address }) =>
      sockets
        .filter((socket) => isOn(socket, address, own))
        .map((socket) =>
          warn(
            `a program listens on ${formatEndpoint(socket)}, and gets nothing: listener ${formatEndpoint(address)} takes it`,
            `ss -ltnp 'sport = :${address.port}'`,
          ),
        ),
    );
    const met = balancer.locals.filter(({ addresses }) =>
      own.some((address) => rangeContains(addresses, address)),
    );
    const told = [...shadowed, ...met.flatMap((locals) => ephemeral(around, locals))];
    return told.length > 0
      ? told
      : [ok('no socket of this machine where a listener or a local is')];
  },
};

function isOn(socket: Endpoint, listener: Endpoint, own: readonly number[]): boolean {
  if (socket.port !== listener.port) return false;
  return socket.address === ANY
    ? own.includes(listener.address)
    : socket.address === listener.address;
}

/** This machine's own connections choose their ports from a range, also under a local's address. */
function ephemeral({ read }: Surroundings, { addresses, ports }: LocalsConfig): Told[] {
  const [range, reserved] = [read(EPHEMERAL), read(RESERVED)];
  if (!range.seen) return [notSeen(range)];
  const [low = 0, high = 0] = range.value.trim().split(/\s+/).map(Number);
  const common = { low: Math.max(low, ports.low), high: Math.min(high, ports.high) } as PortRange;
  if (common.low > common.high) return [];
  const taken = formatPortRange(common);
  if (reserved.seen && reserved.value.trim().split(',').includes(taken)) return [];
  return [
    warn(
      `locals ${formatAddressRange(addresses)} are addresses of this machine, whose own connections may take their ports ${taken}`,
      `sysctl -w net.ipv4.ip_local_reserved_ports=${taken}`,
    ),
  ];
}
