/** `fullnat lab up` */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatProblem } from '../../../control/config/problem.ts';
import { readConfig } from '../../../control/config/read.ts';
import { DEFAULT_MTU_BYTES, VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../../../lab/topology.ts';
import { LIPS_MAX } from '../../../lab/options.ts';
import { status } from '../../../lab/status.ts';
import { up, type UpResult } from '../../../lab/up.ts';
import { choice } from '../../choice.ts';
import { UsageError, command, flag, option, optionOr } from '../../command.ts';
import { doing, instanceOption, instanceWords } from './common.ts';
import { statusText } from './status.ts';

export const labUp = command({
  name: 'up',
  summary: 'Build the lab and start the daemons; leaves an equal lab that is whole as it is',
  details:
    'Two clients, a router, a balancer, a host and its servers, each in a network namespace\n' +
    'of its own. Nothing of it is visible outside, and `fullnat lab down` removes all of it.\n' +
    'Needs root.',
  arguments: {},
  options: {
    instance: instanceOption,
    servers: optionOr('--servers <n>', '1 or 2', choice('number of servers', ['1', '2']), '2'),
    lips: optionOr(
      '--lips <n>',
      `locals the balancer has, 1 to ${LIPS_MAX}`,
      wholeNumber('--lips'),
      LIPS_MAX,
    ),
    mtu: optionOr('--mtu <bytes>', 'of the whole path', wholeNumber('--mtu'), DEFAULT_MTU_BYTES),
    onCollision: optionOr(
      '--on-collision <policy>',
      'remap, local or drop',
      choice('collision policy', ['remap', 'local', 'drop']),
      'remap',
    ),
    agentMode: optionOr(
      '--agent-mode <mode>',
      'packet or socket: how servers get to know their clients',
      choice('agent mode', ['packet', 'socket']),
      'packet',
    ),
    daemons: flag('--no-daemons', 'the network and the servers only'),
    config: option(
      '--config <file>',
      'balancer configuration instead of the generated',
      readBalancerFile,
    ),
    closeFirst: flag('--close-first', 'servers end each connection after one answer'),
    exchange: flag('--exchange', `also balance ${VIRTUAL_ADDRESS}:19056 to port 9056`),
  },
  examples: [
    { command: 'fullnat lab up', does: 'two servers, sixteen locals, collisions remapped' },
    {
      command: 'fullnat lab up --servers 1 --on-collision drop',
      does: 'to see the collision that other systems have',
    },
    {
      command: 'fullnat lab up --agent-mode socket',
      does: 'nothing is rewritten at the servers: accept() says who the client is',
    },
    {
      command: 'fullnat lab up --instance mine --config my.yaml',
      does: 'a second lab, with your balancer configuration',
    },
  ],
  handler: async ({ options }, { stdout, stderr }) => {
    const { instance, servers, lips, onCollision, agentMode } = options;
    const { daemons, closeFirst, exchange } = options;
    const start = performance.now();
    const result = await doing(() =>
      up({
        instance,
        servers: servers === '1' ? 1 : 2,
        lips,
        mtuBytes: options.mtu,
        onCollision,
        agentMode,
        daemons,
        closeFirst,
        exchange,
        ...(options.config === undefined ? {} : { config: options.config }),
      }),
    );
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    stderr.write(`lab '${instance}' ${sentence(result, seconds)}\n`);
    stdout.write(statusText(await status(instance), stdout.style));
    const target = daemons ? `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}` : '10.0.98.79:8056';
    const words = instanceWords(instance);
    stderr.write(`try: fullnat lab exec ${words}client -- curl -s http://${target}/\n`);
    return 0;
  },
});

function sentence(result: UpResult, seconds: string): string {
  switch (result.kind) {
    case 'built':
      return `built in ${seconds} s`;
    case 'unchanged':
      return 'is up already, and as asked for';
    case 'rebuilt':
      return `built again in ${seconds} s (${result.because})`;
  }
}

/** What its balancer would refuse is refused before an older lab has to go. */
function readBalancerFile(file: string): string {
  if (!existsSync(file)) throw new UsageError(`--config ${file}: there is no such file`);
  const read = readConfig(readFileSync(file, 'utf8'), { file });
  if (!read.ok)
    throw new UsageError(
      `--config ${file} cannot be used; nothing was changed\n${read.problems.map(formatProblem).join('\n')}`,
    );
  if (read.config.role !== 'balancer')
    throw new UsageError(`--config ${file} is the file of an agent; the lab wants a balancer's`);
  return resolve(file);
}

/** The range is the lab's to check; here it is a number or a mistake. */
function wholeNumber(flags: string): (text: string) => number {
  return (text) => {
    if (/^\d+$/.test(text)) return Number(text);
    throw new UsageError(`${flags} must be a whole number, got \`${text}\``);
  };
}
