/** npm run fuzz:api -- [REQUESTS] [SEED]: malformed requests to the whole API, on a socket. */
import { fuzz } from './fuzz.ts';
import { standIn } from './stand-in.ts';

const [requests = 100_000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
const daemon = await standIn();
const before = daemon.state();
const startedMs = performance.now();
const { statuses, faults } = await fuzz(daemon.path, { seed, requests });
const hasChanged = daemon.state() !== before;
const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
process.stdout.write(
  `${requests} requests, seed ${seed}, ${seconds} s: ${JSON.stringify(statuses)}\n`,
);
for (const text of [...faults, ...daemon.errors.slice(0, 3)]) process.stdout.write(`${text}\n`);
process.stdout.write(hasChanged ? 'something was changed\n' : 'nothing was changed\n');
await daemon.close();
process.exit(faults.length + daemon.errors.length > 0 || hasChanged ? 1 : 0);
