/**
 * Tries the connections of a plan, all from one process, so that direct and balanced ones can
 * hold the same port. It is handed to Node's standard input where the client is, which may be a
 * machine that has no fullnat: so it imports nothing but what Node has.
 *
 *   node --input-type=module - '{"timeoutMs":3300,"attempts":[…]}' < dist/diagnose/experiments/prober.js
 *
 * A line of JSON for each attempt. Those that come about end with RST, so that their port is free.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ending } from '../probe/outcome.ts';
import type { Plan, PlannedAttempt } from './plan.ts';

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan;
const held: Socket[] = [];
await Promise.all(plan.attempts.map(attempt));
await sleep(plan.lingerMs);
for (const socket of held) socket.resetAndDestroy();

async function attempt({ id, host, port, localPort, ...how }: PlannedAttempt): Promise<void> {
  await sleep(how.startMs);
  const timeMs = Date.now();
  const startMs = performance.now();
  const socket = connect({ host, port, localPort, noDelay: true });
  const ending = await endingOf(socket);
  const durationMs = performance.now() - startMs;
  if (ending.kind === 'connected' && how.sendBytes > 0)
    socket.write(Buffer.alloc(how.sendBytes, 'fullnat '));
  if (ending.kind === 'connected' && how.holds) held.push(socket);
  else if (ending.kind === 'connected') socket.resetAndDestroy();
  else socket.destroy();
  console.log(JSON.stringify({ id, timeMs, durationMs, ending }));
}

function endingOf(socket: Socket): Promise<Ending> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: 'timeout' }), plan.timeoutMs);
    const finish = (ending: Ending) => {
      clearTimeout(timer);
      resolve(ending);
    };
    socket.once('connect', () => finish({ kind: 'connected' }));
    // Stays: one that is held may be reset later.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish({
        kind: 'refused-by-kernel',
        code: error.code ?? error.message,
        at: error.syscall === 'bind' ? 'bind' : 'connect',
      }),
    );
  });
}
