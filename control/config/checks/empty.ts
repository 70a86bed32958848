/** Lists without which there is nothing to do. */
import type { PacketAgentConfig } from '../agent.ts';
import type { BalancerConfig } from '../balancer.ts';
import type { Path, Problem } from '../problem.ts';
import type { SocketAgentConfig } from '../socket-agent.ts';
import type { Check, Facts } from './check.ts';

export const emptyBalancerList: Check<BalancerConfig> = (config, facts) => [
  ...(config.engine !== 'ebpf' || !facts.isWhole(['engine'])
    ? []
    : empty(config.interfaces, ['interfaces'], 'the interfaces that packets come in by', facts)),
  ...empty(config.locals, ['locals'], 'the addresses to connect to backends from', facts),
  ...empty(config.listeners, ['listeners'], 'the addresses that clients connect to', facts),
  ...empty(config.pools, ['pools'], 'the backends that listeners send connections to', facts),
];

export const emptyPool: Check<BalancerConfig> = ({ pools }, facts) =>
  pools.flatMap(({ name, backends }, i): Problem[] => {
    const path = ['pools', i, 'backends'];
    if (backends.length > 0 || !facts.isWhole(path)) return [];
    return [
      {
        path,
        message: `pool '${name}' is empty; add a backend like - { address: 10.0.98.79:8056 }`,
      },
    ];
  });

export const emptyAgentList: Check<PacketAgentConfig> = (config, facts) => [
  ...empty(config.interfaces, ['interfaces'], 'the interfaces that servers are reached by', facts),
  ...empty(config.trustedLocals, ['trustedLocals'], "the balancer's local addresses", facts),
  ...empty(config.servers, ['servers'], 'the servers on this host', facts),
];

/** Without `servers` socket mode covers every listener. */
export const emptySocketAgentList: Check<SocketAgentConfig> = (config, facts) =>
  empty(config.trustedLocals, ['trustedLocals'], "the balancer's local addresses", facts);

function empty(list: readonly unknown[], path: Path, what: string, facts: Facts): Problem[] {
  if (list.length > 0 || !facts.isWhole(path)) return [];
  const key = path.join('.');
  return [{ path, message: `no \`${key}\`; at least one is needed: ${what}` }];
}
