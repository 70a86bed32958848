/**
 * One connection that is held, and used whenever it is told to; run with node
 * inside a namespace.
 *
 *   node dist/lab/tools/visitor.js --target 10.0.98.79:8056 --local 10.0.88.100 --port 21521
 *
 * Says `open` when it is, then for each line that it reads asks the server and says
 * the server's line. Ends when its input does; an error is said as `failed CODE`.
 */

import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { count, endpoint, readFlags } from './arguments.ts';

const flags = readFlags(process.argv.slice(2), ['target', 'local', 'port']);
const local = flags['local'];
const socket = connect({
  ...endpoint('target', flags['target']),
  ...(local === undefined ? {} : { localAddress: local }),
  localPort: count('port', flags['port'], 0),
  noDelay: true,
});

let heard = '';
socket.once('connect', () => {
  console.log('open');
  createInterface({ input: process.stdin })
    .on('line', () => socket.write('GET / HTTP/1.1\r\nHost: lab\r\n\r\n'))
    .once('close', () => socket.end());
});
socket.on('data', (chunk: Buffer) => {
  heard += chunk.toString();
  const line = /\r\n\r\n([^\n]*)\n$/.exec(heard)?.[1];
  if (line === undefined) return;
  heard = '';
  console.log(line);
});
socket.once('error', (error: NodeJS.ErrnoException) => {
  console.log(`failed ${error.code ?? error.message}`);
});
socket.once('close', () => process.exit(0));
