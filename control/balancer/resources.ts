/** What the balancer answers under /v1. */
import { formatEndpoint, formatIpv4Address } from '../../packet/address.ts';
import type { Event, SessionSlot } from '../../datapath/binding/contract.ts';
import { ticksNow } from '../../datapath/binding/sessions.ts';
import { plainResource, resource, type Resources } from '../api/app.ts';
import type { BalancerSessionRow, EventRow, InfoRow } from '../api/rows.ts';
import { dropRows, noteRows } from '../daemon/counters.ts';
import { timestampOf } from '../daemon/events.ts';
import { endReader, filterOf, sessionReaders } from '../daemon/session-query.ts';
import { destinationOf, listSessions, sourceOf } from '../daemon/sessions.ts';
import { comesFrom, goesTo } from '../daemon/slot-filter.ts';
import type { HealthChange } from '../health/monitor.ts';
import type { Forecast } from './forecast.ts';
import { backendRows, listenerRows, localRows, type View } from './rows.ts';

export function balancerResources(
  view: () => View,
  forecast: Forecast,
  events: () => readonly EventRow[],
  info: () => InfoRow,
): Resources {
  const readers = {
    ...sessionReaders,
    client: endReader,
    listener: endReader,
    local: endReader,
    backend: endReader,
  };
  return {
    listeners: plainResource(() => listenerRows(view())),
    backends: plainResource(() => backendRows(view())),
    sessions: resource(readers, (query) => {
      const { client, listener, local, backend } = query;
      const filter = filterOf(query, ticksNow(), [
        client && comesFrom('front', client),
        listener && goesTo('front', listener),
        local && goesTo('back', local),
        backend && comesFrom('back', backend),
      ]);
      return listSessions(view().maps, query, filter, endsOf);
    }),
    locals: plainResource(() => localRows(view(), forecast)),
    drops: plainResource(() => dropRows(view().maps)),
    notes: plainResource(() => noteRows(view().maps)),
    events: plainResource(events),
    info: plainResource(() => [info()]),
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
