/** What happens, as it happens: the same for every role. */
import { ApiError } from './api-error.ts';
import type { EventFeed } from './event-feed.ts';
import { route, type Handlers } from './route.ts';
import { eventRow } from './rows.ts';

export const FEED_ROUTES = {
  feed: route({
    ...{ method: 'GET', path: '/v1/events', role: 'read', query: {} },
    summary: 'What happens, as it happens (Accept: text/event-stream)',
    ...{ body: { kind: 'none' }, answer: { kind: 'events', row: eventRow } },
  }),
};

export function feedHandlers(feed: EventFeed): Handlers<typeof FEED_ROUTES> {
  return {
    feed: ({ lastEventId }) => {
      const stream = feed.open(lastEventId);
      if (stream === undefined) throw new ApiError(429, 'too many read events already');
      return { stream };
    },
  };
}
