/** How long the daemon takes to find sessions in a table, and how long its event loop stands still meanwhile. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Forecast } from '../../../control/balancer/forecast.ts';
import { balancerHandlers } from '../../../control/balancer/resources.ts';
import type { View } from '../../../control/balancer/rows.ts';
import { balancerSchema, completeBalancer } from '../../../control/config/balancer.ts';
import { createApp, TOTAL_HEADER } from '../../../control/api/app.ts';
import { bind } from '../../../control/api/route.ts';
import { BALANCER_ROUTES } from '../../../control/api/routes.ts';
import { RuntimeStore } from '../../../control/state/runtime.ts';
import { formatEndpoint } from '../../../packet/index.ts';
import { summary, type Summary } from '../statistics.ts';
import { frontOf, type SessionTable } from './table.ts';

export type ListingFigure = {
  sessions: number;
  query: string;
  /** Rows of the answer, and how many match. */
  rows: number;
  total: number;
  seconds: Summary;
  /** The longest that a timer of the same thread was late. */
  longestStopMs: number;
};

const RUNS = 5;
const QUIET_MS = 3_000;
const NO_CONFIG = completeBalancer(balancerSchema.parse({}));
/** Of the timer that is watched. */
const RESOLUTION_MS = 1;

/** As the daemon answers, from the request to the last byte of JSON. */
export async function measureListing(table: SessionTable): Promise<ListingFigure[]> {
  const view = (): View => ({
    config: NO_CONFIG,
    maps: table.maps,
    indices: { listeners: new Map(), pools: new Map(), backends: new Map(), locals: [] },
    drainOf: () => undefined,
    healthOf: nobody,
  });
  const handlers = balancerHandlers({
    ...{ view, wanted: () => NO_CONFIG, forecast: new Forecast({ windowMs: 1 }) },
    ...{ events: () => [], info: nobody, runtime: new RuntimeStore({ nowMs: Date.now }) },
  });
  const app = createApp(bind(BALANCER_ROUTES, handlers), {
    onError: (error) => {
      throw error;
    },
  });
  const figures: ListingFigure[] = [];
  for (const query of queriesFor(table)) figures.push(await measure(app, table.sessions, query));
  return figures;
}

/** What the machine itself keeps a timer waiting: others work on it, too. */
export async function measureQuiet(): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  await sleep(QUIET_MS);
  delay.disable();
  return stopOf(delay);
}

const stopOf = ({ max }: { max: number }) => Math.max(0, max / 1e6 - RESOLUTION_MS);

function nobody(): never {
  throw new Error('only sessions are asked for here');
}

function queriesFor({ sessions }: SessionTable): string[] {
  const { sourceAddr, sourcePort } = frontOf(Math.floor(sessions / 2));
  const client = formatEndpoint({ address: sourceAddr, port: sourcePort });
  return [
    `client=${client}`,
    `client=${client.split(':')[0]}`,
    'minAge=1h',
    'state=established&limit=2000',
  ];
}

async function measure(
  app: ReturnType<typeof createApp>,
  sessions: number,
  query: string,
): Promise<ListingFigure> {
  const seconds: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let [rows, total] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    delay.enable();
    const started = performance.now();
    const answer = await app.request(`/v1/sessions?${query}`);
    /* in the pieces that the daemon sends: to put them together is the client's work */
    const pieces: Uint8Array[] = [];
    for await (const piece of answer.body ?? []) pieces.push(piece as Uint8Array);
    seconds.push((performance.now() - started) / 1_000);
    delay.disable();
    rows = (JSON.parse(Buffer.concat(pieces).toString()) as unknown[]).length;
    total = Number(answer.headers.get(TOTAL_HEADER));
  }
  return { sessions, query, rows, total, seconds: summary(seconds), longestStopMs: stopOf(delay) };
}
