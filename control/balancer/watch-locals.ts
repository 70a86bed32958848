/** Reads again and again how many local ports are in use, so that their end can be foretold. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalPair } from '../../datapath/binding/contract.ts';
import type { BalancerMaps } from '../../datapath/binding/object-maps.ts';
import { Forecast } from './forecast.ts';

const EVERY_MS = 5_000;
/** Long enough that one burst is not a trend, short enough to warn of the evening's rise. */
const WINDOW_MS = 120_000;

export const forecastKey = ({ local, backend }: LocalPair) => `${local}/${backend}`;

/** Begins at once; ends with the signal. */
export function watchLocals(
  maps: Pick<BalancerMaps, 'localPorts'>,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): Forecast {
  const forecast = new Forecast({ windowMs: WINDOW_MS });
  const read = async () => {
    while (!signal.aborted) {
      const inUse = new Map<string, number>();
      for await (const batch of maps.localPorts.entries())
        for (const [pair, ports] of batch) inUse.set(forecastKey(pair), ports.inUse);
      forecast.note(inUse, performance.now());
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  };
  read().catch(onError);
  return forecast;
}
