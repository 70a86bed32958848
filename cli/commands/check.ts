/** `fullnat check`: is this configuration right, by itself and for this machine? Touches nothing. */
import { formatEndpoint } from '../../packet/address.ts';
import { rangeSize } from '../../packet/address-range.ts';
import { anyRange, formatIpEndpoint } from '../../packet/ip.ts';
import type { AgentConfig, PacketAgentConfig } from '../../control/config/agent.ts';
import type { BalancerConfig } from '../../control/config/balancer.ts';
import { thisMachine } from '../../control/config/machine.ts';
import { formatProblem } from '../../control/config/problem.ts';
import { readConfig } from '../../control/config/read.ts';
import type { SocketAgentConfig } from '../../control/config/socket-agent.ts';
import { argument, command, flag } from '../command.ts';
import { readInput } from '../input.ts';

export const check = command({
  name: 'check',
  summary: "Check a balancer's or an agent's configuration file; change nothing",
  details:
    'Reads the file as the daemon would and lists every problem as FILE:LINE:COLUMN.\n' +
    'Also compares it with this machine (interfaces, listening sockets): run it where the\n' +
    'daemon will run, or say --file-only.\n\n' +
    'Exit code: 0 the file is right, 2 it is not.',
  arguments: { file: argument('<file>', 'the YAML file; - reads standard input', (file) => file) },
  options: { fileOnly: flag('--file-only', 'do not compare with this machine') },
  examples: [
    { command: 'fullnat check /etc/fullnat/balancer.yaml', does: 'before starting the daemon' },
    { command: 'fullnat check --file-only lb.yaml', does: 'on a desk, or in CI' },
  ],
  handler: async ({ arguments: { file }, options: { fileOnly } }, { stdout, stderr }) => {
    const shownFile = file === '-' ? '<stdin>' : file;
    const text = await readInput(file);
    const read = readConfig(text, {
      file: shownFile,
      ...(fileOnly ? {} : { machine: thisMachine }),
    });
    if (read.ok) {
      stdout.write(`${shownFile}: ${stdout.style.good('ok')} (${summaryOf(read.config)})\n`);
      return 0;
    }
    for (const problem of read.problems) stderr.write(`${formatProblem(problem)}\n`);
    return 2;
  },
});

function summaryOf(config: BalancerConfig | AgentConfig): string {
  switch (config.role) {
    case 'balancer': {
      const backends = config.pools.reduce((sum, pool) => sum + pool.backends.length, 0);
      const locals = config.locals.reduce((sum, { addresses }) => sum + rangeSize(addresses), 0);
      return (
        `balancer of instance "${config.instance}": ` +
        [
          count(config.listeners.length, 'listener'),
          count(config.pools.length, 'pool'),
          count(backends, 'backend'),
          count(locals, 'local address', 'local addresses'),
          `${config.sessions.capacity} sessions`,
        ].join(', ')
      );
    }
    case 'agent':
      return config.mode === 'socket' ? socketSummary(config) : packetSummary(config);
  }
}

function socketSummary({ instance, cgroup, servers, trustedLocals }: SocketAgentConfig): string {
  return (
    `agent of instance "${instance}" in socket mode: ` +
    [
      cgroup === undefined ? 'every cgroup' : `cgroup ${cgroup}`,
      servers.length === 0
        ? 'every server'
        : `${count(servers.length, 'server')} (${servers
            .map(({ address }) => formatIpEndpoint(address))
            .join(', ')})`,
      trustedSummary(trustedLocals),
    ].join(', ')
  );
}

function packetSummary({
  instance,
  servers,
  interfaces,
  trustedLocals,
}: PacketAgentConfig): string {
  return (
    `agent of instance "${instance}": ` +
    [
      `${count(servers.length, 'server')} (${servers
        .map(({ address, onCollision }) => `${formatEndpoint(address)} ${onCollision}`)
        .join(', ')})`,
      count(interfaces.length, 'interface'),
      trustedSummary(trustedLocals),
    ].join(', ')
  );
}

function trustedSummary(trusted: AgentConfig['trustedLocals']): string {
  const addresses = trusted
    .map(anyRange)
    .reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  return count(addresses, 'trusted local');
}

function count(number: number | bigint, one: string, many = `${one}s`): string {
  return `${number} ${BigInt(number) === 1n ? one : many}`;
}
