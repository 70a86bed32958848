/**
 * The lab's traffic program, run with node inside a namespace. Ends with one
 * line of JSON, also when it is told to end early by SIGTERM.
 *
 *   node dist/lab/tools/client.js open --target 10.0.23.111:18056 --local 10.0.88.100
 *        --ports 32768-34767 --per-second 100 --count 3000 --closer server --expect address
 *   node dist/lab/tools/client.js hold --target 10.0.23.111:19056 --count 500 --seconds 10
 *   node dist/lab/tools/client.js exchange --target 10.0.23.111:19056 --up 1073741824
 */

import { count, endpoint, oneOf, portRange, readFlags, type Flags } from './arguments.ts';
import { exchange } from './exchange.ts';
import { hold } from './hold.ts';
import { open } from './open.ts';

const COMMON_FLAGS = ['target', 'local', 'ports', 'count'];
const FLAGS = {
  open: ['per-second', 'hold-ms', 'timeout-ms', 'request', 'closer', 'expect'],
  hold: ['every-ms', 'stall-ms', 'seconds'],
  exchange: ['parallel', 'up', 'down', 'sizes'],
} as const;

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());

const [modeText, ...rest] = process.argv.slice(2);
if (modeText === undefined) throw new RangeError('say what to do: open, hold or exchange');
const mode = oneOf('MODE', ['open', 'hold', 'exchange'], modeText);
const flags = readFlags(rest, [...COMMON_FLAGS, ...FLAGS[mode]]);
const result = await runMode();
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));

function runMode(): Promise<unknown> {
  switch (mode) {
    case 'open':
      // A line of its own: from now on SIGTERM gets a result.
      console.log(JSON.stringify({ event: 'begin' }));
      return open(
        {
          ...common(flags),
          perSecond: count('per-second', flags['per-second'], 100),
          holdMs: count('hold-ms', flags['hold-ms'], 0),
          timeoutMs: count('timeout-ms', flags['timeout-ms'], 5_000),
          request: oneOf('request', ['http', 'none'], flags['request']),
          closer: oneOf('closer', ['client', 'server'], flags['closer']),
          expect: oneOf('expect', ['none', 'address', 'peer'], flags['expect']),
        },
        stop.signal,
      );
    case 'hold':
      return hold(
        {
          ...common(flags),
          everyMs: count('every-ms', flags['every-ms'], 100),
          stallMs: count('stall-ms', flags['stall-ms'], 900),
          seconds: count('seconds', flags['seconds'], 10),
        },
        stop.signal,
        // A line of its own: whoever waits for it may start to break things now.
        (so) => console.log(JSON.stringify({ event: 'open', opened: so.opened })),
      );
    case 'exchange':
      return exchange(
        {
          ...common(flags),
          parallel: count('parallel', flags['parallel'], 1),
          upBytes: count('up', flags['up'], 0),
          downBytes: count('down', flags['down'], 0),
          sizes: oneOf('sizes', ['exact', 'random'], flags['sizes']),
        },
        stop.signal,
      );
  }
}

function common(given: Flags) {
  return {
    target: endpoint('target', given['target']),
    local: given['local'],
    ports: portRange('ports', given['ports']),
    count: count('count', given['count'], 1),
  };
}
