/**
 * A client that says a line to the exchange server, hears it, and says nothing
 * more until it is told to by a line on its standard input. Then it tells how
 * its second line ended:
 *
 *   node dist/lab/tests/patient.js 10.0.23.111:19056 60000
 *
 * The number is the length of the second line: a long one leaves in packets larger than the MTU.
 */

import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export type PatientResult = { outcome: string; afterMs: number; localPort: number };

const TIMEOUT_MS = 10_000;

const [target = '', bytes = '7'] = process.argv.slice(2);
const [host, port] = target.split(':');
const socket = connect({ host: host ?? '', port: Number(port), noDelay: true });
let saidAt = 0;
let localPort = 0;
socket.once('connect', () => {
  localPort = socket.localPort ?? 0;
  socket.write('echo\nfirst\n');
});
socket.on('data', (chunk) => {
  if (saidAt > 0) tell(`heard ${chunk.toString().trim()}`);
  else console.log('ready');
});
socket.on('error', (error: NodeJS.ErrnoException) => tell(error.code ?? error.message));
socket.on('close', () => tell('closed'));

createInterface(process.stdin).once('line', () => {
  saidAt = performance.now();
  socket.write(`${'x'.repeat(Number(bytes) - 1)}\n`);
  setTimeout(() => tell('nothing'), TIMEOUT_MS);
});

function tell(outcome: string): void {
  const result: PatientResult = { outcome, afterMs: performance.now() - saidAt, localPort };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}
