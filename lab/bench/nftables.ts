/** DNAT and SNAT by nftables in the balancer's namespace, as well as it can be set up. */

import { EXCHANGE_SERVER_PORT, EXCHANGE_VIRTUAL_PORT } from '../config.ts';
import type { Lab } from '../lab.ts';
import { LIPS_MAX } from '../options.ts';
import { LabError } from '../process.ts';
import { SERVER_ADDRESSES, SERVER_PORT, VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../topology.ts';

/** Of the machine: a namespace cannot have its own. Less would drop new connections. */
const CONNTRACK_MIN = 262_144;
/** As long as fullnat lets a tuple rest; the default of 120 s would fill the table. */
const TIME_WAIT_SECONDS = 64;
const ALL_LOCALS = Array.from({ length: LIPS_MAX }, (_, i) => `10.0.124.${160 + i}`);

export async function prepareNftables(lab: Lab, rules: string): Promise<void> {
  await lab.run('balancer', ['nft', '-f', '-'], { input: rules });
  const { stdout } = await lab.run('balancer', ['sysctl', '-n', 'net.netfilter.nf_conntrack_max']);
  if (Number(stdout) < CONNTRACK_MIN)
    throw new LabError(
      'LAB_NOT_READY',
      `nftables would run out of conntrack entries at ${stdout.trim()}; run: sysctl -w net.netfilter.nf_conntrack_max=${CONNTRACK_MIN}`,
    );
  const key = 'net.netfilter.nf_conntrack_tcp_timeout_time_wait';
  await lab.run('balancer', ['sysctl', '-qw', `${key}=${TIME_WAIT_SECONDS}`]);
}

/** Locals in turn: by itself nftables would choose one local for each client address. */
export function nftRules(addresses: readonly string[] = ALL_LOCALS): string {
  const locals = addresses.map((address, i) => `${i} : ${address}`);
  const server = SERVER_ADDRESSES.server1;
  return `table ip bench {
  chain to_server {
    type nat hook prerouting priority dstnat;
    ip daddr ${VIRTUAL_ADDRESS} tcp dport ${VIRTUAL_PORT} dnat to ${server}:${SERVER_PORT}
    ip daddr ${VIRTUAL_ADDRESS} tcp dport ${EXCHANGE_VIRTUAL_PORT} dnat to ${server}:${EXCHANGE_SERVER_PORT}
  }
  chain from_local {
    type nat hook postrouting priority srcnat;
    ct status dnat snat to numgen inc mod ${locals.length} map { ${locals.join(', ')} } fully-random
  }
}
`;
}
