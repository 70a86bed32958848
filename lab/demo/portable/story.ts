/** The demo without rights: full NAT by the portable engine, each step with what it claims. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../process.ts';
import { expecting, type Expectation } from '../expectation.ts';
import { CLIENT, CLIENT_PORT, LISTENER, openSetting, type Setting } from './setting.ts';

export type PortableTeller = {
  step(title: string, lines: readonly string[], expectations: readonly Expectation[]): void;
};

const HELD_WITHIN_MS = 10_000;
const LOAD = { count: 1_000, atOnce: 10, pauseMs: 20 };

/** Returns what did not hold; nothing is left afterwards. */
export async function tellPortableStory(
  teller: PortableTeller,
  signal: AbortSignal,
): Promise<Expectation[]> {
  const setting = await openSetting();
  const failed: Expectation[] = [];
  try {
    for (const step of [oneConnection, endings, aServerStops]) {
      const { title, lines, expectations } = await step(setting, signal);
      teller.step(title, lines, expectations);
      failed.push(...expectations.filter(({ holds }) => !holds));
      signal.throwIfAborted();
    }
  } finally {
    await setting.close();
  }
  return failed;
}

type Step = {
  readonly title: string;
  readonly lines: readonly string[];
  readonly expectations: readonly Expectation[];
};

async function oneConnection({ get }: Setting): Promise<Step> {
  const client = `${CLIENT}:${CLIENT_PORT}`;
  const listener = `${LISTENER.host}:${LISTENER.port}`;
  const socket = visit(CLIENT_PORT);
  const answer = await said(socket, 'who am I?\n');
  const [session = {}] = await get(`sessions?client=${client}`);
  socket.end();
  const [, server = '', seen = '', told = ''] =
    /^(\S+) sees (\S+), client (\S+)/.exec(answer) ?? [];
  return {
    title: 'The way of a connection',
    lines: [
      `client      ${client} -> ${listener}`,
      `balancer    ${String(session['local'])} -> ${String(session['backend'])}`,
      `${server.padEnd(11)} ${answer.trim()}`,
    ],
    expectations: [
      expecting(
        `both addresses and the port have changed: the server sees ${seen}, one of the locals`,
        seen.startsWith('127.0.124.1') && seen === session['local'],
      ),
      expecting(
        `it was told the client all the same, by PROXY protocol: ${told}`,
        told === client && session['client'] === client && session['listener'] === listener,
      ),
    ],
  };
}

async function endings({ servers }: Setting): Promise<Step> {
  const half = visit();
  await said(half, 'one\n');
  half.end();
  const last = await heardFrom(half);
  const before = resetsAt(servers);
  const rude = visit();
  await said(rude, 'two\n');
  rude.resetAndDestroy();
  const isReset = () => resetsAt(servers) > before;
  const arrived = await waitUntil(isReset, { timeoutMs: HELD_WITHIN_MS });
  return {
    title: 'How connections end',
    lines: [`client sends FIN, and hears still: ${last.trim()}`, 'client sends RST'],
    expectations: [
      expecting('a half that closes leaves the other half open', last === 'that was all\n'),
      expecting('a reset arrives as a reset', arrived),
    ],
  };
}

async function aServerStops({ servers, get }: Setting, signal: AbortSignal): Promise<Step> {
  const asking: Promise<boolean>[] = [];
  for (let i = 0; i < LOAD.count; i++) {
    if (i === LOAD.count / 2) {
      await Promise.all(asking);
      await servers[0]?.stop();
    }
    if (i % LOAD.atOnce === 0) await sleep(LOAD.pauseMs, undefined, { signal });
    asking.push(isAnswered());
  }
  const answered = (await Promise.all(asking)).filter(Boolean).length;
  const isDown = async () => (await get('backends'))[0]?.['state'] === 'down';
  await waitUntil(isDown, { timeoutMs: HELD_WITHIN_MS });
  const backends = await get('backends');
  const shares = backends.map(
    (row) => `${String(row['address'])}  ${String(row['state'])}  ${String(row['connections'])}`,
  );
  return {
    title: 'A server stops under load',
    lines: [
      `${LOAD.count} connections, one question each; in their midst server1 stops`,
      ...shares,
    ],
    expectations: [
      expecting(
        `${answered} of ${LOAD.count} were answered: who was refused by one server got the other`,
        answered === LOAD.count,
      ),
      expecting(
        `the check found it: ${String(backends[0]?.['reason'])}`,
        backends[0]?.['state'] === 'down' && backends[1]?.['state'] === 'up',
      ),
    ],
  };
}

/** A connection of its own. */
async function isAnswered(): Promise<boolean> {
  const socket = visit();
  try {
    return (await said(socket, 'hello\n')).includes('client 127.');
  } catch {
    return false;
  } finally {
    socket.end();
    socket.resume();
  }
}

function visit(localPort?: number): Socket {
  const socket = connect({
    ...{ ...LISTENER, localAddress: CLIENT, allowHalfOpen: true },
    ...(localPort === undefined ? {} : { localPort }),
  });
  socket.on('error', () => {});
  return socket;
}

async function said(socket: Socket, words: string): Promise<string> {
  socket.write(words);
  const [heard] = (await once(socket, 'data', {
    signal: AbortSignal.timeout(HELD_WITHIN_MS),
  })) as [Buffer];
  return heard.toString();
}

async function heardFrom(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end', { signal: AbortSignal.timeout(HELD_WITHIN_MS) });
  return Buffer.concat(chunks).toString();
}

function resetsAt(servers: Setting['servers']): number {
  return servers.reduce((sum, { resets }) => sum + resets(), 0);
}
