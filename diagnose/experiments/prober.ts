/**
 * Tries the connections of a plan, all from one process, so that direct and balanced ones can
 * hold the same port; run with node where the client is.
 *
 *   node dist/diagnose/experiments/prober.js '{"timeoutMs":3300,"attempts":[…]}'
 *
 * A line of JSON for each attempt. Those that come about end with RST, so that their port is free.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { classify, labelOf, type Ending } from '../probe/outcome.ts';
import type { Plan, PlannedAttempt } from './plan.ts';

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan;
const held: Socket[] = [];
await Promise.all(plan.attempts.map(attempt));
await sleep(plan.lingerMs);
for (const socket of held) socket.resetAndDestroy();

async function attempt(planned: PlannedAttempt): Promise<void> {
  await sleep(planned.startMs);
  const timeMs = Date.now();
  const startMs = performance.now();
  const { host, port, localPort } = planned;
  const socket = connect({ host, port, localPort, noDelay: true });
  const ending = await endingOf(socket);
  const durationMs = performance.now() - startMs;
  if (ending.kind === 'connected' && planned.sendBytes > 0)
    socket.write(Buffer.alloc(planned.sendBytes, 'fullnat '));
  if (ending.kind === 'connected' && planned.holds) held.push(socket);
  else if (ending.kind === 'connected') socket.resetAndDestroy();
  else socket.destroy();
  const outcome = classify(ending, durationMs);
  const code = ending.kind === 'refused-by-kernel' ? ending.code : null;
  const { id, purpose } = planned;
  console.log(
    JSON.stringify({
      id,
      purpose,
      host,
      port,
      localPort,
      timeMs,
      durationMs,
      label: labelOf(outcome),
      code,
    }),
  );
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
