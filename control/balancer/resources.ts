/** What the balancer answers under /v1. */
import { formatEndpoint, formatIpv4Address } from '../../packet/address.ts';
import type { Event, SessionSlot } from '../../datapath/binding/contract.ts';
import { ticksNow } from '../../datapath/binding/sessions.ts';
import { ApiError } from '../api/api-error.ts';
import type { Handlers } from '../api/route.ts';
import type { BALANCER_ROUTES } from '../api/routes.ts';
import type { BalancerSessionRow, EventRow, InfoRow } from '../api/rows.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { dropRows, noteRows } from '../daemon/counters.ts';
import { timestampOf } from '../daemon/events.ts';
import { filterOf } from '../daemon/session-query.ts';
import { destinationOf, listSessions, sourceOf } from '../daemon/sessions.ts';
import { comesFrom, goesTo } from '../daemon/slot-filter.ts';
import { tap } from '../daemon/tap.ts';
import type { HealthChange } from '../health/monitor.ts';
import { explain, type Rehearse } from '../explain/explain.ts';
import { balancerFamilies } from '../metrics/balancer.ts';
import { metricsText } from '../metrics/text.ts';
import type { RuntimeStore } from '../state/runtime.ts';
import { changeBackend, drainAll, undrainAll } from './change-backend.ts';
import type { Forecast } from './forecast.ts';
import { backendRows, listenerRows, localRows, type View } from './rows.ts';

export type BalancerSources = {
  readonly view: () => View;
  /** The configuration without what people changed beside it. */
  readonly wanted: () => BalancerConfig;
  readonly forecast: Forecast;
  readonly events: () => readonly EventRow[];
  readonly info: () => InfoRow;
  readonly runtime: RuntimeStore;
  /** Absent where no program can be asked. */
  readonly rehearse?: Rehearse | undefined;
};

export function balancerHandlers({
  view,
  wanted,
  forecast,
  events,
  info,
  rehearse,
  runtime,
}: BalancerSources): Handlers<typeof BALANCER_ROUTES> {
  return {
    listeners: () => ({ rows: listenerRows(view()) }),
    backends: () => ({ rows: backendRows(view()) }),
    sessions: ({ query }) => {
      const { client, listener, local, backend } = query;
      const filter = filterOf(query, ticksNow(), [
        client && comesFrom('front', client),
        listener && goesTo('front', listener),
        local && goesTo('back', local),
        backend && comesFrom('back', backend),
      ]);
      return listSessions(view().maps, query, filter, endsOf);
    },
    locals: async () => ({ rows: await localRows(view(), forecast) }),
    drops: () => ({ rows: dropRows(view().maps) }),
    notes: () => ({ rows: noteRows(view().maps) }),
    events: () => ({ rows: events() }),
    info: () => ({ rows: [info()] }),
    changeBackend: ({ parts, query, body, who }) =>
      changeBackend(wanted(), runtime, { ...parts, ...query }, body, who.name),
    explain: async ({ query: { client, listener } }) => {
      if (client === undefined || listener === undefined)
        throw new ApiError(400, 'parameters client and listener are needed, as address:port');
      if (rehearse === undefined)
        throw new ApiError(
          409,
          'engine: proxy chooses when it connects; nothing can be asked before',
        );
      return { value: await explain(view(), rehearse, { client, listener }) };
    },
    drainAll: ({ body }) => drainAll(wanted(), runtime, body),
    undrainAll: () => undrainAll(runtime),
    metrics: async () => ({
      text: await metricsText(await balancerFamilies(view(), forecast, info())),
    }),
    tap: ({ query }) => tap(query, wanted().interfaces),
    runtime: () => ({ rows: runtime.all() }),
  };
}

function endsOf({
  front,
  back,
}: SessionSlot): Pick<BalancerSessionRow, 'client' | 'listener' | 'local' | 'backend'> {
  return {
    client: sourceOf(front),
    listener: destinationOf(front),
    local: destinationOf(back),
    backend: sourceOf(back),
  };
}

/** A kernel event in the words of the configuration. */
export function eventRow(event: Event, { config, maps, indices }: View): EventRow {
  const { type, subject } = event;
  const common = {
    time: timestampOf(event),
    type,
    client: sourceOf(subject),
    listener: destinationOf(subject),
    pool: poolOf(destinationOf(subject), config),
  };
  if (type !== 'no-local-port') return common;
  const backend = [...indices.backends].find(([, index]) => index === event.backend)?.[0];
  const { addr } = maps.locals.get(event.local);
  return {
    ...common,
    backend: backend ?? null,
    local: formatIpv4Address(addr),
  };
}

export function healthRow({ pool, backend, before, after }: HealthChange): EventRow {
  return {
    time: new Date(after.sinceMs).toISOString(),
    type: 'backend-state',
    pool,
    backend: formatEndpoint(backend),
    from: before.state,
    to: after.state,
    reason: after.reason,
  };
}

function poolOf(listener: string, config: View['config']): string | null {
  const found = config.listeners.find(({ address }) => formatEndpoint(address) === listener);
  return found?.pool ?? null;
}
