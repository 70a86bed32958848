/**
 * The probe of `fullnat probe`, run with node inside a namespace: one line of JSON
 * for each attempt. Connections that come about end with RST, so that their source
 * port is free at once.
 *
 *   node dist/lab/tools/prober.js --target 10.0.23.111:18056 --ports 21519-21523
 *        --interval-ms 100 --timeout-ms 1500
 */

import { connectByNode, systemClock } from '../../diagnose/probe/node-connector.ts';
import { probe } from '../../diagnose/probe/probe.ts';
import { endpoint, port } from '../../packet/address.ts';
import { count, portRange, readFlags } from './arguments.ts';

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());

const flags = readFlags(process.argv.slice(2), ['target', 'ports', 'interval-ms', 'timeout-ms']);
const ports = portRange('ports', flags['ports']);
if (ports === undefined) throw new RangeError('--ports must be PORT or LOW-HIGH, got nothing');

const attempts = probe(
  { connect: connectByNode, clock: systemClock },
  {
    target: endpoint(flags['target'] ?? ''),
    sourcePorts: { low: port(ports.low), high: port(ports.high) },
    count: ports.high - ports.low + 1,
    intervalMs: count('interval-ms', flags['interval-ms'], 100),
    timeoutMs: count('timeout-ms', flags['timeout-ms'], 1_500),
    close: 'reset',
  },
  stop.signal,
);
for await (const attempt of attempts) console.log(JSON.stringify(attempt));
