/**
 * What an accepted connection waits for: from just before connect() to the moment when the
 * server's accept() returns, and accept() alone, of a connection that is there already. Both
 * programs are on one machine and read one clock. One connection after another; the ways
 * take turns of some hundred connections, many in each round.
 */

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { EXCHANGE_SERVER_PORT } from '../config.ts';
import { SERVER_ADDRESSES } from '../topology.ts';
import type { Contender, ContenderName } from './contenders.ts';
import { quantile, spread, summary } from './statistics.ts';

export const ACCEPT_WAYS = [
  'direct',
  'fullnat',
  'fullnat-agent',
  'fullnat-socket',
] as const satisfies readonly ContenderName[];

export type AcceptFigure = {
  contender: ContenderName;
  connections: number;
  arrival: Distribution;
  accept: Distribution;
};

/** Of all turns together; the spread is that of the turns' medians. */
export type Distribution = {
  p50Microseconds: number;
  p99Microseconds: number;
  medianSpread: number;
};

type Turn = { arrivalNs: number[]; acceptNs: number[] };

const TURNS_PER_ROUND = 10;
const CONNECTIONS_PER_TURN = 200;

/** Answers each connection with the time at which accept() returned, and how long it took. */
const SERVER = `
import select, socket, struct, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(64)
print('ready', flush=True)
clock = time.perf_counter_ns
while True:
    select.select([s], [], [])
    before = clock()
    c, _ = s.accept()
    after = clock()
    try:
        c.recv(1)
        c.send(struct.pack('=QQ', after, after - before))
    except OSError: pass
    c.close()`;

/** For each number it reads: so many connections, and their times in one line. Ends with RST. */
const CLIENT = `
import json, socket, struct, sys, time
target, clock = (sys.argv[1], int(sys.argv[2])), time.perf_counter_ns
for line in sys.stdin:
    arrivals, accepts = [], []
    for _ in range(int(line)):
        c = socket.socket()
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        start = clock()
        c.connect(target)
        c.send(b'?')
        accepted, took = struct.unpack('=QQ', c.recv(16, socket.MSG_WAITALL))
        c.close()
        arrivals.append(accepted - start)
        accepts.append(took)
    print(json.dumps({'arrivalNs': arrivals, 'acceptNs': accepts}), flush=True)`;

export async function measureAccept(
  contenders: readonly Contender[],
  { rounds, signal, say }: { rounds: number; signal: AbortSignal; say: (line: string) => void },
): Promise<AcceptFigure[]> {
  const ways = contenders.filter(({ name }) => ACCEPT_WAYS.some((way) => way === name));
  const turns = ways.map(() => [] as Turn[]);
  const running = await Promise.all(ways.map(start));
  try {
    for (const { take } of running) await take(); /* warms up */
    for (let turn = 0; turn < rounds * TURNS_PER_ROUND; turn++) {
      signal.throwIfAborted();
      for (const [i, { take }] of running.entries()) turns[i]?.push(await take());
    }
  } finally {
    for (const { end } of running) end();
  }
  return ways.map(({ name, title }, i) => {
    const figure = figureOf(name, turns[i] ?? []);
    const { arrival, accept } = figure;
    say(
      `accept  ${title}: ${arrival.p50Microseconds.toFixed(0)} µs, accept() ${accept.p50Microseconds.toFixed(1)} µs`,
    );
    return figure;
  });
}

export function figureOf(contender: ContenderName, turns: readonly Turn[]): AcceptFigure {
  return {
    contender,
    connections: turns.reduce((sum, { acceptNs }) => sum + acceptNs.length, 0),
    arrival: distribution(turns.map(({ arrivalNs }) => arrivalNs)),
    accept: distribution(turns.map(({ acceptNs }) => acceptNs)),
  };
}

function distribution(turns: readonly (readonly number[])[]): Distribution {
  const all = turns.flat().toSorted((a, b) => a - b);
  return {
    p50Microseconds: quantile(all, 0.5) / 1_000,
    p99Microseconds: quantile(all, 0.99) / 1_000,
    medianSpread: spread(summary(turns.map((values) => summary(values).median))),
  };
}

/** In the place of the bulk server, whose port is balanced. */
async function start({ lab, bulkServer, host, bulkPort }: Contender) {
  const ended = once(bulkServer, 'exit');
  bulkServer.kill();
  await ended;
  const listen = [SERVER_ADDRESSES.server1, String(EXCHANGE_SERVER_PORT)];
  const server = lab.spawn('server1', ['python3', '-c', SERVER, ...listen], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((ready) => server.stdout?.once('data', ready));
  const client = lab.spawn('client', ['python3', '-c', CLIENT, host, String(bulkPort)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = client;
  if (stdin === null || stdout === null) throw new Error('the client has no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    take: async (): Promise<Turn> => {
      stdin.write(`${CONNECTIONS_PER_TURN}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error('the client ended before its turn was over');
      return JSON.parse(line.value) as Turn;
    },
    end: () => {
      client.kill();
      server.kill();
    },
  };
}
