/**
 * Connections from one port to several targets, open at the same time; run with node
 * inside a namespace.
 *
 *   node dist/lab/tools/asker.js --targets 10.0.98.79:9056,10.0.23.111:19056
 *        --local 10.0.88.100 --port 21521 --request-base64 R0VUIC8K --until 'peer (.*)'
 *
 * When all are open the request is sent on each; what each answered up to the match of
 * `until` is printed as a JSON list, in the order of the targets.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { count, endpoint, readFlags } from './arguments.ts';

const ANSWER_TIMEOUT_MS = 10_000;

const flags = readFlags(process.argv.slice(2), [
  'targets',
  'local',
  'port',
  'request-base64',
  'until',
]);
const targets = (flags['targets'] ?? '').split(',').map((text) => endpoint('targets', text));
const request = Buffer.from(flags['request-base64'] ?? '', 'base64');
const until = new RegExp(flags['until'] ?? '', 's');

const sockets = targets.map((target) =>
  connect({
    ...target,
    ...(flags['local'] === undefined ? {} : { localAddress: flags['local'] }),
    localPort: count('port', flags['port'], 0),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  }),
);
// Listened to from the start: some servers speak first.
const answers = sockets.map(answerOf);
await Promise.all(sockets.map((socket) => once(socket, 'connect')));
for (const socket of sockets) socket.write(request);
console.log(JSON.stringify(await Promise.all(answers)));
// Not resetAndDestroy(): on a socket that its server is closing, Node 20 may spin for ever.
for (const socket of sockets) socket.destroy();

function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const late = setTimeout(
      () => reject(new Error(`no answer with ${until.source} but: ${heard}`)),
      ANSWER_TIMEOUT_MS,
    );
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (!until.test(heard)) return;
      clearTimeout(late);
      resolve(heard);
    });
    socket.on('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
  });
}
