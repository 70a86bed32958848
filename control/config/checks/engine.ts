/** What one engine can do and the other cannot. */
import { formatIpv4Address, type Ipv4Address } from '../../../packet/address.ts';
import { formatAddressRange, rangesOverlap } from '../../../packet/address-range.ts';
import type { BalancerConfig, ListenerConfig } from '../balancer.ts';
import { LOOPBACK } from '../values.ts';
import type { Path, Problem } from '../problem.ts';
import type { Check } from './check.ts';

const WHY = 'is a loopback address, which never leaves a machine';
const INSTEAD = 'the portable engine (engine: proxy) can use it';

/** Packets to and from such addresses pass no interface: only a process sees them. */
export const loopbackAddress: Check<BalancerConfig> = (
  { engine, listeners, locals, pools },
  { isWhole },
) => {
  if (engine !== 'ebpf' || !isWhole(['engine'])) return [];
  const problems: Problem[] = [];
  const look = (path: Path, address: Ipv4Address, shown: string) => {
    if (rangesOverlap(LOOPBACK, { first: address, last: address }))
      problems.push({ path, message: `'${shown}' ${WHY}; ${INSTEAD}` });
  };
  const endpoint = (path: Path, address: Ipv4Address, port: number) =>
    look(path, address, `${formatIpv4Address(address)}:${port}`);
  listeners.forEach(({ address: { address, port } }, i) =>
    endpoint(['listeners', i, 'address'], address, port),
  );
  locals.forEach(({ addresses }, i) => {
    if (rangesOverlap(LOOPBACK, addresses))
      problems.push({
        path: ['locals', i, 'addresses'],
        message: `'${formatAddressRange(addresses)}' ${WHY}; ${INSTEAD}`,
      });
  });
  pools.forEach(({ backends }, pool) =>
    backends.forEach(({ address: { address, port } }, i) =>
      endpoint(['pools', pool, 'backends', i, 'address'], address, port),
    ),
  );
  return problems;
};

/** What a process that accepts connections cannot do to their packets. */
export const packetsOnly: Check<BalancerConfig> = ({ engine, listeners }, facts) => {
  if (engine !== 'proxy') return [];
  return listeners.flatMap((listener, i) =>
    PACKETS_ONLY.flatMap(({ key, isPossible, message }): Problem[] => {
      const path = ['listeners', i, key];
      return !facts.isGiven(path) || isPossible(listener) ? [] : [{ path, message }];
    }),
  );
};

/** The kernel's engine tells servers the client by TOA. */
export const proxyProtocolOnly: Check<BalancerConfig> = ({ engine, pools }) =>
  pools.flatMap(({ proxyProtocol }, i): Problem[] =>
    proxyProtocol === 'off' || engine === 'proxy'
      ? []
      : [
          {
            path: ['pools', i, 'proxyProtocol'],
            message: `proxyProtocol is for engine: proxy, and it is ${engine}; the kernel's engine tells servers the client by TOA`,
          },
        ],
  );

const PACKETS_ONLY: readonly {
  readonly key: string;
  readonly isPossible: (listener: ListenerConfig) => boolean;
  readonly message: string;
}[] = [
  {
    key: 'toa',
    isPossible: ({ toa }) => toa === 'off',
    message:
      'engine: proxy sends no TOA; tell backends the client by proxyProtocol: v2 of the pool, or remove `toa`',
  },
  {
    key: 'onUnknown',
    isPossible: ({ onUnknown }) => onUnknown === 'reset',
    message: 'engine: proxy leaves unknown packets to the kernel, which answers RST',
  },
  {
    key: 'onRefused',
    isPossible: ({ onRefused }) => onRefused === 'reset',
    message: 'engine: proxy has accepted a connection when it refuses it, so it can only reset it',
  },
  {
    key: 'synProtection',
    isPossible: ({ synProtection }) => synProtection === 'off',
    message:
      "engine: proxy leaves SYN floods to the kernel's own cookies (net.ipv4.tcp_syncookies)",
  },
];
